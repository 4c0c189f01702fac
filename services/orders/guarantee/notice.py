"""The notice's wording and its QR code, from `notice.toml`, and the Commission's own files where the shop has them."""

import io
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

OFFICIAL = ("en", "de")
"""The shop's languages that are languages of the EU, in which alone there is a notice; else it stands in English."""
MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Notice:
    """The notice in one language."""

    language: str
    words: dict[str, Any]
    """By the names of `notice.toml`."""
    code: str
    """The QR code of its address, as an SVG element without a name: the address stands beside it as a link."""

    @property
    def url(self) -> str:
        """The page of Your Europe that the notice leads to."""
        return f"https://{self.words['link']}"


@cache
def notice_in(language: str) -> Notice:
    """The notice for a reader of this language."""
    spoken = language if language in OFFICIAL else OFFICIAL[0]
    words = tomllib.loads(Path(__file__).with_name("notice.toml").read_text("utf-8"))[spoken]
    return Notice(spoken, words, _code(f"https://{words['link']}"))


def official_files(folder: Path | None) -> dict[str, bytes]:
    """The Commission's drawings of the notice by language, from `<language>.svg`; none where there is no folder.

    Raises:
        ValueError: a file is not there, or is no SVG document of 1 MB at the most.
    """
    return {} if folder is None else {language: _drawing(folder / f"{language}.svg") for language in OFFICIAL}


def _drawing(path: Path) -> bytes:
    if not path.is_file():
        raise ValueError(f"has no {path.name}: the folder holds {', '.join(f'{each}.svg' for each in OFFICIAL)}")
    drawing = path.read_bytes()
    if len(drawing) > MOST_BYTES or b"<svg" not in drawing:
        raise ValueError(f"holds {path.name}, which is no SVG document of 1 MB at the most")
    return drawing


def _code(url: str) -> str:
    """Black on white with the quiet zone that scanners want, at a level that survives a small print."""
    import segno

    drawn = io.BytesIO()
    segno.make(url, error="m", micro=False).save(
        drawn, kind="svg", light="#fff", xmldecl=False, nl=False, svgns=False, omitsize=True, svgclass="guarantee-code",
        lineclass=None,
    )  # fmt: skip
    return drawn.getvalue().decode().replace("<svg ", '<svg aria-hidden="true" ', 1)
