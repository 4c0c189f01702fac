"""Orders over HTTP, for their buyers."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from pydantic import Field

from services.orders.deps import Deps
from services.orders.life.cancel import cancel
from services.orders.life.change import ChangedMeanwhile, tag_of
from services.orders.life.domain import BUYER, Order, OrderNotFound
from services.orders.life.lifeview import LifeView, life_of
from services.orders.life.steps import IllegalStep, staff
from services.orders.life.view import OrderSummary, OrderView, find_visible, summary_of, view_of
from shared.http.paging import PageQuery, cut, next_link
from shared.http.routes import SIGNED_IN, Answer, Call, RequestModel, ResponseModel, Route, roles
from shared.personal import PersonErased

PATH = "/api/orders"
SUPPORT = roles("support")


class TokenQuery(RequestModel):
    """How a guest shows that an order is theirs."""

    t: Annotated[str, Field(max_length=100, pattern=r"^[0-9a-f]*$")] = ""
    claim: Annotated[str, Field(max_length=100, pattern=r"^[0-9a-f]*$")] = ""
    """By what the order can be made an account's own; a mailed link carries it, and looking does not use it."""


class OrderList(ResponseModel):
    """A page of orders, newest first."""

    items: tuple[OrderSummary, ...]


class Standing(LifeView):
    """Where an order stands after a step."""

    id: str
    number: str
    status: str


def routes(deps: Deps) -> Sequence[Route]:
    """The part of the contract that is about orders that exist."""
    return [
        Route("GET", PATH, partial(_mine, deps), "Your orders, newest first", query=PageQuery,
              answers={200: OrderList}, access=SIGNED_IN),
        Route("GET", f"{PATH}/{{id}}", partial(_one, deps), "One of your orders, or a guest's by its link's token",
              query=TokenQuery, answers={200: OrderView}, problems=[OrderNotFound, PersonErased],
              answer_headers=["ETag"]),
        Route("POST", f"{PATH}/{{id}}/cancel", partial(_cancel, deps),
              "Cancel an order before it is shipped; the money goes back by itself. Its buyer, or support",
              query=TokenQuery, answers={200: Standing}, problems=[OrderNotFound, IllegalStep, ChangedMeanwhile],
              headers=["If-Match"], answer_headers=["ETag"]),
    ]  # fmt: skip


async def _mine(deps: Deps, call: Call[None, PageQuery]) -> Answer:
    query = call.query
    found = await deps.orders.of_account(call.who.subject, before=query.behind, limit=query.limit + 1)
    page, headers = _page(found, query, PATH)
    return Answer(200, OrderList(items=page), headers=headers)


async def _one(deps: Deps, call: Call[None, TokenQuery]) -> Answer:
    order = await find_visible(deps, call.path("id"), who=call.identity, token=call.query.t)
    return Answer(200, await view_of(deps, order), headers={"ETag": tag_of(order)})


async def _cancel(deps: Deps, call: Call[None, TokenQuery]) -> Answer:
    order, by = await _to_cancel(deps, call)
    cancelled = await cancel(deps, order, by=by, if_match=call.header("If-Match"))
    return Answer(200, standing_of(cancelled), headers={"ETag": tag_of(cancelled)})


async def _to_cancel(deps: Deps, call: Call[None, TokenQuery]) -> tuple[Order, str]:
    """The order and who asks: its buyer, or else support.

    Raises:
        OrderNotFound: there is none, or it is not for this asker.
    """
    try:
        return await find_visible(deps, call.path("id"), who=call.identity, token=call.query.t), BUYER
    except OrderNotFound:
        if call.identity is None or not call.identity.roles & SUPPORT.roles:
            raise
        return await deps.orders.get(call.path("id")), staff(call.identity)


def standing_of(order: Order) -> Standing:
    """For whoever has taken a step."""
    return Standing(id=order.id, number=order.number, status=order.status.value, **life_of(order, None, purpose=""))


def _page(found: Sequence[Order], query: PageQuery, path: str) -> tuple[tuple[OrderSummary, ...], dict[str, str]]:
    page, has_more = cut(found, query)
    return tuple(map(summary_of, page)), next_link(path, query, page[-1].id) if has_more else {}
