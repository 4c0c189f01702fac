"""Withdrawal from the contract: a consumer in the EU returns a purchase without a reason, within 14 days of delivery.

Directive 2011/83/EU, articles 9 and 11a, in two steps: declared, then confirmed. With the confirmation the order is
cancelled, where nothing was shipped; else its return is awaited, and the money follows with it (article 13(3)), at once
where the goods are back already.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.orders.deps import Deps
from services.orders.life.announce import Announcer, announcer_of
from services.orders.life.change import change
from services.orders.life.domain import BUYER, Order
from services.orders.life.finish import finish_soon
from services.orders.life.parcel import Withdrawal
from services.orders.life.steps import Status
from services.orders.life.withdrawal_right import ON_ITS_WAY, OPEN_TO_IT, may_withdraw
from shared.errors import DomainError, ErrorKind
from shared.events import Event

CONFIRMED_WITHIN = timedelta(days=1)


class NoRightOfWithdrawal(DomainError):
    """This order was not delivered to a consumer in the EU, or the time for it is over."""

    kind = ErrorKind.CONFLICT
    code = "no-right-of-withdrawal"


class WithdrawalNotDeclared(DomainError):
    """Declare the withdrawal first; then confirm it, within a day."""

    kind = ErrorKind.CONFLICT
    code = "withdrawal-not-declared"


async def declare_withdrawal(deps: Deps, order: Order) -> Order:
    """The first step: nothing happens yet. Declared again, it counts from now.

    Raises:
        NoRightOfWithdrawal: see there.
        TransientError: as `change`.
    """
    at = deps.clock()

    def decide(order: Order) -> tuple[Order, tuple[()]]:
        if not may_withdraw(order, sells_in_eu=deps.settings.sells_in_eu, now=at):
            raise NoRightOfWithdrawal
        return replace(order, withdrawal=Withdrawal(at)), ()

    return await change(deps, order, decide)


async def confirm_withdrawal(deps: Deps, order: Order) -> Order:
    """The second step, acknowledged by mail with date and time. Confirmed again, nothing changes.

    Raises:
        WithdrawalNotDeclared, NoRightOfWithdrawal: see there.
        TransientError: as `change`.
    """
    announcer, at = await announcer_of(deps, order), deps.clock()

    def decide(order: Order) -> tuple[Order, Sequence[Event]]:
        own = order.withdrawal
        if own is not None and own.confirmed_at is not None:
            return order, ()
        if own is None or at - own.declared_at > CONFIRMED_WITHIN:
            raise WithdrawalNotDeclared
        if order.status not in OPEN_TO_IT:
            raise NoRightOfWithdrawal
        return _confirmed(replace(order, withdrawal=replace(own, confirmed_at=at)), announcer, at)

    return await finish_soon(deps, await change(deps, order, decide))


def _confirmed(order: Order, announcer: Announcer, at: datetime) -> tuple[Order, Sequence[Event]]:
    refund_minor = order.payment.refundable_minor
    if order.status in ON_ITS_WAY:
        return order, [announcer.withdrawal_received(order, at=at, refund_minor=refund_minor, must_return=True)]
    if order.status is Status.RETURNED:
        told = announcer.withdrawal_received(order, at=at, refund_minor=refund_minor, must_return=False, is_back=True)
        return order.with_rest_refunded("withdrawal", at=at, by=BUYER), [told]
    cancelled = order.cancelled(at=at, by=BUYER, source="withdrawal")
    return cancelled, [
        announcer.withdrawal_received(cancelled, at=at, refund_minor=refund_minor, must_return=False),
        announcer.cancelled(cancelled, at=at, by=BUYER, refund_minor=refund_minor),
    ]
