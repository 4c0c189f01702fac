"""The Commission's own drawings of the notice of the legal guarantee, where the shop has them."""

from collections.abc import Sequence

from aiohttp import web

from services.orders.pages.frame import Frame

_DAY_S = 86_400
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox"
"""Drawings bring their own styles; they run and fetch nothing, and are looked at alone or as a picture."""


def guarantee_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """Under `/products`, which comes to orders."""
    return [frame.get("/products/guarantee/{language}.svg", _drawing)]


async def _drawing(frame: Frame, request: web.Request) -> web.Response:
    drawing = frame.drawings.get(request.match_info["language"])
    if drawing is None:
        raise web.HTTPNotFound
    headers = {"Cache-Control": f"public, max-age={_DAY_S}", "Content-Security-Policy": _POLICY}
    return web.Response(body=drawing, content_type="image/svg+xml", headers=headers)
