"""Orders over HTTP: one's own, and the desk."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

from pydantic import Field

from services.orders.deps import Deps
from services.orders.life.domain import Order, OrderNotFound
from services.orders.life.view import OrderSummary, OrderView, find_visible, summary_of, view_of
from shared.http.paging import PageQuery, cut, next_link
from shared.http.routes import SIGNED_IN, Answer, Call, RequestModel, ResponseModel, Route, roles
from shared.personal import PersonErased

PATH = "/api/orders"
DESK = roles("support", "admin")


class TokenQuery(RequestModel):
    """How a guest shows that an order is theirs."""

    t: Annotated[str, Field(max_length=100, pattern=r"^[0-9a-f]*$")] = ""


class OrderList(ResponseModel):
    """A page of orders, newest first."""

    items: tuple[OrderSummary, ...]


class DeskList(OrderList):
    """A page of all orders, and how many there are in each status. Neither persons nor cards."""

    counts: Mapping[str, int]


def routes(deps: Deps) -> Sequence[Route]:
    """The part of the contract that is about orders that exist."""
    return [
        Route("GET", PATH, partial(_mine, deps), "Your orders, newest first", query=PageQuery,
              answers={200: OrderList}, access=SIGNED_IN),
        Route("GET", f"{PATH}/desk", partial(_desk, deps), "All orders, for support", query=PageQuery,
              answers={200: DeskList}, access=DESK),
        Route("GET", f"{PATH}/{{id}}", partial(_one, deps), "One of your orders, or a guest's by its link's token",
              query=TokenQuery, answers={200: OrderView}, problems=[OrderNotFound, PersonErased]),
    ]  # fmt: skip


async def _mine(deps: Deps, call: Call[None, PageQuery]) -> Answer:
    query = call.query
    found = await deps.orders.of_account(call.who.subject, before=query.behind, limit=query.limit + 1)
    page, headers = _page(found, query, PATH)
    return Answer(200, OrderList(items=page), headers=headers)


async def _desk(deps: Deps, call: Call[None, PageQuery]) -> Answer:
    query = call.query
    found = await deps.orders.newest(before=query.behind, limit=query.limit + 1)
    page, headers = _page(found, query, f"{PATH}/desk")
    counts = {status.value: count for status, count in (await deps.orders.counts()).items()}
    return Answer(200, DeskList(items=page, counts=counts), headers=headers)


async def _one(deps: Deps, call: Call[None, TokenQuery]) -> Answer:
    order = await find_visible(deps, call.path("id"), who=call.identity, token=call.query.t)
    return Answer(200, await view_of(deps, order))


def _page(found: Sequence[Order], query: PageQuery, path: str) -> tuple[tuple[OrderSummary, ...], dict[str, str]]:
    page, has_more = cut(found, query)
    return tuple(map(summary_of, page)), next_link(path, query, page[-1].id) if has_more else {}
