"""Withdrawal over HTTP, in two steps: for the account, or by a guest's link."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from services.orders.deps import Deps
from services.orders.life.change import tag_of
from services.orders.life.domain import Order, OrderNotFound
from services.orders.life.routes import Standing, TokenQuery, standing_of
from services.orders.life.view import find_visible
from services.orders.life.withdrawal import (
    NoRightOfWithdrawal,
    WithdrawalNotDeclared,
    confirm_withdrawal,
    declare_withdrawal,
)
from shared.http.routes import Answer, Call, Route

PATH = "/api/orders/{id}/withdrawal"


def routes(deps: Deps) -> Sequence[Route]:
    """The part of the contract that is about withdrawals."""
    return [
        Route("POST", PATH, partial(_step, deps, declare_withdrawal),
              "Declare that you withdraw from the purchase; it counts once it is confirmed", query=TokenQuery,
              answers={200: Standing}, problems=[OrderNotFound, NoRightOfWithdrawal], answer_headers=["ETag"]),
        Route("POST", f"{PATH}/confirm", partial(_step, deps, confirm_withdrawal),
              "Confirm the withdrawal: acknowledged by mail; the order is cancelled, or its return awaited",
              query=TokenQuery, answers={200: Standing},
              problems=[OrderNotFound, WithdrawalNotDeclared, NoRightOfWithdrawal], answer_headers=["ETag"]),
    ]  # fmt: skip


async def _step(deps: Deps, take: Callable[[Deps, Order], Awaitable[Order]], call: Call[None, TokenQuery]) -> Answer:
    order = await find_visible(deps, call.path("id"), who=call.identity, token=call.query.t)
    changed = await take(deps, order)
    return Answer(200, standing_of(changed), headers={"ETag": tag_of(changed)})
