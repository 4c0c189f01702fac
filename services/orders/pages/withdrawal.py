"""Withdrawal from the contract in two labelled steps (Directive 2011/83/EU article 11a): declared on the order's page,
confirmed on a page of its own, acknowledged there and by mail with date and time.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from aiohttp import web

from services.orders.deps import Deps
from services.orders.life.domain import Order
from services.orders.life.withdrawal import confirm_withdrawal, declare_withdrawal
from services.orders.pages.frame import Frame
from services.orders.pages.order import show_order, visible
from shared.errors import DomainError
from shared.http.problems import status_of

_PATH = "/orders/{id}/withdrawal"


def withdrawal_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """For whoever bought it."""
    return [
        frame.get(_PATH, _statement),
        frame.post(_PATH, partial(_step, declare_withdrawal, "/withdrawal", "")),
        frame.post(f"{_PATH}/confirm", partial(_step, confirm_withdrawal, "", "withdrawn")),
    ]


async def _statement(frame: Frame, request: web.Request) -> web.Response:
    """What will be declared, and the button that confirms it; the order's page where there is nothing to confirm."""
    order, query = await visible(frame, request)
    own = order.withdrawal
    if own is None or own.confirmed_at is not None:
        raise web.HTTPSeeOther(f"/orders/{order.id}{query}")
    title = frame.words(request)["eu"]["confirm_title"]
    return frame.show(request, "withdrawal.html", title, order=order, query=query)


async def _step(
    take: Callable[[Deps, Order], Awaitable[Order]], part: str, done: str, frame: Frame, request: web.Request
) -> web.Response:
    order, query = await visible(frame, request)
    try:
        await take(frame.deps, order)
    except DomainError as refusal:
        told = frame.refused(request, refusal)
        now = await frame.deps.orders.get(order.id)
        return await show_order(frame, request, now, query, status_of(refusal), **told)
    said = f"{'&' if query else '?'}done={done}" if done else ""
    raise web.HTTPSeeOther(f"/orders/{order.id}{part}{query}{said}")
