"""Warranty's HTTP application: the API and the page."""

from aiohttp import web

from services.warranty.deps import Deps
from services.warranty.pages import pages
from services.warranty.pages.claims import SLOWER
from services.warranty.routes import routes
from shared.http.app import build_api


def build_app(deps: Deps) -> web.Application:
    """Route table and the kit's middlewares."""
    return build_api(
        deps.settings,
        routes=routes(deps),
        pages=pages(deps),
        identities=deps.identities,
        ready=deps.ready,
        slower_pages=SLOWER,
    )
