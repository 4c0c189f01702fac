"""The page "my watches": what is covered until when, and how to claim."""

from collections.abc import Sequence
from urllib.parse import urlencode

from aiohttp import web

from services.warranty.claims.usecases import cover_now
from services.warranty.pages.frame import AnyQuery, Frame, link_of
from services.warranty.records.cursor import read_cursor, write_cursor
from services.warranty.records.usecases import list_purchases
from shared.http.context import identity_of
from shared.http.intake import read_query

PATH = "/warranty"
PAGE_SIZE = 20


def watch_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """One page."""
    return [frame.get(PATH, _mine)]


async def _mine(frame: Frame, request: web.Request) -> web.Response:
    words, query = frame.words(request)["watches"], read_query(request, AnyQuery)
    if identity_of(request) is None and not query.order:
        return frame.show(request, "log_in_first.html", words["title"])
    holder = await frame.holder(request)
    records, rest = await list_purchases(frame.deps, holder, limit=PAGE_SIZE, after=read_cursor(query.cursor))
    claims = await frame.deps.claims.of_holder(holder.key, before="", limit=PAGE_SIZE)
    open_claims = {claim.item.purchase_id: claim for claim in claims if claim.is_open}
    next_page = ""
    if rest is not None:
        link = {"order": query.order, "t": query.t} if query.order else {}
        next_page = f"{PATH}?{urlencode({'cursor': write_cursor(rest)} | link)}"
    return frame.show(
        request,
        "watches.html",
        words["title"],
        watches=[(record, cover_now(frame.deps, record), open_claims.get(record.id)) for record in records],
        claims=claims,
        next_page=next_page,
        and_link=link_of(request).replace("?", "&"),
    )
