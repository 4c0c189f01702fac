"""Mails about what happens to an order after its receipt. None for whoever was erased since."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from services.mailer.deps import Deps
from services.mailer.followups import follow_no_more
from services.mailer.mydata.late import tell
from services.mailer.notices import life
from shared.consumer import Handler
from shared.contracts.orders import (
    GuestOrders,
    LinkRequested,
    Notified,
    OrderCancelled,
    OrderShipped,
    RefundCompleted,
    WithdrawalReceived,
)
from shared.events import Event

ORDERS = "mailer.orders"


def order_handlers(deps: Deps) -> Mapping[str, Handler]:
    """For the queue of what happens to orders."""
    handlers: Mapping[str, Callable[[Deps, Event], Awaitable[None]]] = {
        OrderShipped.TYPE: tell_shipped,
        OrderCancelled.TYPE: tell_cancelled,
        RefundCompleted.TYPE: tell_refunded,
        WithdrawalReceived.TYPE: acknowledge_withdrawal,
        LinkRequested.TYPE: send_links,
    }
    return {type_: partial(handler, deps) for type_, handler in handlers.items()}


async def tell_shipped(deps: Deps, event: Event) -> None:
    """The parcel is on its way."""
    told = event.read(OrderShipped)
    to = deps.unsealer.open(Notified, told.recipient, event=event, field="recipient")
    await tell(deps, life.shipped(told, to), since=told.shipped_at)


async def tell_cancelled(deps: Deps, event: Event) -> None:
    """The order will not come, and what becomes of the money."""
    told = event.read(OrderCancelled)
    to = deps.unsealer.open(Notified, told.recipient, event=event, field="recipient")
    await follow_no_more(deps, told, to)
    await tell(deps, life.cancelled(told, to), since=told.cancelled_at)


async def tell_refunded(deps: Deps, event: Event) -> None:
    """Money has gone back."""
    told = event.read(RefundCompleted)
    to = deps.unsealer.open(Notified, told.recipient, event=event, field="recipient")
    await tell(deps, life.refunded(told, to), since=told.completed_at)


async def acknowledge_withdrawal(deps: Deps, event: Event) -> None:
    """The withdrawal has arrived, with date and time (Directive 2011/83/EU article 11a)."""
    told = event.read(WithdrawalReceived)
    to = deps.unsealer.open(Notified, told.recipient, event=event, field="recipient")
    await tell(deps, life.withdrawal(told, to), since=told.received_at)


async def send_links(deps: Deps, event: Event) -> None:
    """A guest's orders, found again by their address."""
    told = event.read(LinkRequested)
    to = deps.unsealer.open(GuestOrders, told.recipient, event=event, field="recipient")
    await tell(deps, life.links(told, to), since=told.requested_at)
