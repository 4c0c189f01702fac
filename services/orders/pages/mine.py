"""An account's orders, newest first."""

from collections.abc import Sequence

from aiohttp import web

from services.orders.life.view import summary_of
from services.orders.pages.frame import Frame
from shared.http.context import who
from shared.http.intake import read_query
from shared.http.paging import PageQuery, cut, next_address


def my_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """For those who are logged in."""
    return [frame.get("/orders", _mine)]


async def _mine(frame: Frame, request: web.Request) -> web.Response:
    account, query = who(request).subject, read_query(request, PageQuery)
    found = await frame.deps.orders.of_account(account, before=query.behind, limit=query.limit + 1)
    page, has_more = cut(found, query)
    return frame.show(
        request,
        "orders.html",
        frame.words(request)["mine"]["title"],
        orders=[summary_of(order) for order in page],
        older=next_address("/orders", query, page[-1].id) if has_more else "",
    )
