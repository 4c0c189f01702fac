"""The page "my watches": what is covered until when."""

from functools import partial
from urllib.parse import urlencode

from aiohttp import web
from pydantic import Field

from services.warranty.deps import Deps
from services.warranty.holders import account_holder
from services.warranty.records import usecases
from services.warranty.records.cursor import read_cursor, write_cursor
from shared.http.context import identity_of
from shared.http.intake import read_query
from shared.http.pages import Pages
from shared.http.routes import RequestModel

PATH = "/warranty"
PAGE_SIZE = 20


class PageQuery(RequestModel):
    """Where the list goes on."""

    cursor: str = Field(default="", max_length=400)


def pages(deps: Deps) -> list[web.RouteDef]:
    """Warranty's pages."""
    return [web.get(PATH, partial(_my_watches, deps, Pages(deps.settings, "services.warranty")))]


async def _my_watches(deps: Deps, templates: Pages, request: web.Request) -> web.Response:
    identity = identity_of(request)
    if identity is None:
        return templates.render(request, "log_in_first.html")
    after = read_cursor(read_query(request, PageQuery).cursor)
    holder = account_holder(deps, identity.subject)
    records, rest = await usecases.list_purchases(deps, holder, limit=PAGE_SIZE, after=after)
    return templates.render(
        request,
        "watches.html",
        records=records,
        today=deps.clock().astimezone(deps.settings.zone).date(),
        next_page=f"{PATH}?{urlencode({'cursor': write_cursor(rest)})}" if rest else "",
    )
