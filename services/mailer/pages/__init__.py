"""The marketing desk's pages. They need no script, and no page of them holds an address."""

from aiohttp import web

from services.mailer.deps import Deps
from services.mailer.pages.calendar import calendar_pages
from services.mailer.pages.campaign import campaign_pages
from services.mailer.pages.compose import compose_pages
from services.mailer.pages.frame import Frame
from services.mailer.pages.listing import listing_pages
from services.mailer.pages.words import LANGUAGES
from shared.http.pages import Pages


def desk_pages(deps: Deps) -> list[web.RouteDef]:
    """All of them."""
    frame = Frame(Pages(deps.settings, "services.mailer", languages=LANGUAGES), deps)
    return [*listing_pages(frame), *compose_pages(frame), *calendar_pages(frame), *campaign_pages(frame)]
