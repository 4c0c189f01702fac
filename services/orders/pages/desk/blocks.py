"""The block list for the role fraud: what kind of thing is refused, since when and why; an entry is taken off here."""

from collections.abc import Sequence
from typing import Annotated

from aiohttp import web
from pydantic import Field

from services.orders.pages.frame import Frame
from services.orders.screening.blocks import BlockNotFound
from services.orders.screening.routes import FRAUD, block_view
from shared.http.context import identity_of
from shared.http.intake import read_query
from shared.http.paging import PageQuery, cut, next_address

PATH = "/desk/orders/blocks"


class BlocksQuery(PageQuery):
    """Which part of the list, and what was done to it."""

    done: Annotated[str, Field(max_length=40)] = ""


def block_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """Fixed paths: they come before `/desk/orders/{id}`."""
    return [frame.get(PATH, _list), frame.post(f"{PATH}/{{id}}/removal", _remove)]


async def _list(frame: Frame, request: web.Request) -> web.Response:
    FRAUD.check(identity_of(request))
    query = read_query(request, BlocksQuery)
    found = await frame.deps.blocks.entries(behind=query.behind, limit=query.limit + 1)
    page, has_more = cut(found, query)
    return frame.show(
        request,
        "blocks.html",
        frame.words(request)["review"]["blocks"]["title"],
        blocks=[block_view(block) for block in page],
        more=next_address(PATH, query, page[-1].id) if has_more else "",
    )


async def _remove(frame: Frame, request: web.Request) -> web.Response:
    FRAUD.check(identity_of(request))
    if not await frame.deps.blocks.remove(request.match_info["id"]):
        raise BlockNotFound
    raise web.HTTPSeeOther(f"{PATH}?done=unblocked")
