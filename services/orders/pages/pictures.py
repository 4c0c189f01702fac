"""A picture for each watch, drawn from its SKU: always the same for the same SKU, and made of nothing but shapes."""

import hashlib
from functools import lru_cache
from html import escape

_COLOURS = ("#35e0ff", "#ff4d6d", "#9dff57", "#ffb02e", "#c58bff", "#5c8dff")
_COLUMNS, _ROWS = 12, 5


@lru_cache(maxsize=256)
def picture(sku: str, name: str) -> bytes:
    """An SVG of a watch with a display of 60 lights; `name` is its title for screen readers."""
    seed = hashlib.sha256(sku.encode()).digest()
    colour = _COLOURS[seed[0] % len(_COLOURS)]
    corner = 14 + seed[1] % 40
    lights = "".join(_light(place, colour, is_lit=_is_lit(seed, place)) for place in range(_COLUMNS * _ROWS))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 320" role="img">'
        f"<title>{escape(name)}</title>"
        '<rect width="320" height="320" fill="#f2f3f5"/>'
        '<rect x="112" y="0" width="96" height="320" rx="10" fill="#2b2e34"/>'
        f'<rect x="40" y="90" width="240" height="140" rx="{corner}" fill="#14161a" stroke="#6b7078" stroke-width="6"/>'
        f"{lights}</svg>"
    ).encode()


def _is_lit(seed: bytes, place: int) -> bool:
    return seed[2 + place // 8] >> place % 8 & 1 == 1


def _light(place: int, colour: str, *, is_lit: bool) -> str:
    x, y = 72 + place % _COLUMNS * 16, 124 + place // _COLUMNS * 18
    fill = colour if is_lit else "#24272d"
    return f'<circle cx="{x}" cy="{y}" r="5" fill="{fill}"/>'
