"""Which orders there are: all, those of one status, one by its number, or those that want a person."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode

from aiohttp import web
from pydantic import Field

from services.orders.desk.order import desk_summary_of
from services.orders.desk.orders import DESK
from services.orders.life.steps import Status
from services.orders.life.store import Filter
from services.orders.pages.frame import Frame
from shared.http.context import identity_of
from shared.http.intake import read_query
from shared.http.paging import PageQuery, cut, next_address

PATH = "/desk/orders"


class Wanted(PageQuery):
    """As the form sends it: what was left blank is empty."""

    number: Annotated[str, Field(max_length=40)] = ""
    status: Annotated[str, Field(max_length=40)] = ""
    attention: bool = False

    @property
    def only(self) -> Filter:
        """As the store takes it; a status that there is not is none."""
        status = Status(self.status) if self.status in set(Status) else None
        return Filter(self.number.strip().upper(), status, self.attention)

    @property
    def query(self) -> str:
        """What the next page asks again."""
        given = {"status": self.only.status or "", "attention": "true" if self.attention else ""}
        return urlencode({name: text for name, text in given.items() if text})


def listing_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """For support."""
    return [frame.get(PATH, _list)]


async def _list(frame: Frame, request: web.Request) -> web.Response:
    DESK.check(identity_of(request))
    query = read_query(request, Wanted)
    found = await frame.deps.orders.newest(before=query.behind, limit=query.limit + 1, only=query.only)
    page, has_more = cut(found, query)
    counts = await frame.deps.orders.counts()
    return frame.show(
        request,
        "desk_orders.html",
        frame.words(request)["desk"]["title"],
        orders=[desk_summary_of(order) for order in page],
        unsendable={order.id for order in page if order.cannot_be_sent},
        counts={status.value: count for status, count in counts.items() if count},
        chosen=query.only,
        older=next_address(PATH, query, page[-1].id, also=query.query) if has_more else "",
    )
