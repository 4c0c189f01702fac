"""Warranty's pages: my watches, a claim and its story, and the desk. They need no script."""

from aiohttp import web

from services.warranty.deps import Deps
from services.warranty.pages.claims import claim_pages
from services.warranty.pages.desk import desk_pages
from services.warranty.pages.frame import Frame
from services.warranty.pages.units import unit_pages
from services.warranty.pages.watches import watch_pages
from services.warranty.pages.words import LANGUAGES
from shared.http.pages import Pages


def pages(deps: Deps) -> list[web.RouteDef]:
    """All of them."""
    frame = Frame(Pages(deps.settings, "services.warranty", languages=LANGUAGES), deps)
    return [*watch_pages(frame), *claim_pages(frame), *desk_pages(frame), *unit_pages(frame)]
