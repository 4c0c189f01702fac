"""Where the provider's ledger and our orders do not agree. One order and its charge at a time; no person's data."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.orders.life.domain import Order
from services.orders.life.steps import OPEN
from services.orders.payments.domain import PaymentState
from services.orders.payments.provider import Charge, Outcome

UNDER_WAY = timedelta(minutes=10)
"""What is younger may still be settled by the sweeps."""
OWED = timedelta(days=1)
"""What the provider has yet to pay back or to void, and has not for so long, does not come by itself any more."""
SET_ASIDE = timedelta(days=6)
"""Cards let go of what is set aside after about seven days."""
_WAITING = frozenset({PaymentState.NEEDS_ACTION, PaymentState.AUTHORISED})


class Kind(StrEnum):
    """What does not agree."""

    CHARGED_WITHOUT_ORDER = "charged-without-order"  # money of which none of our orders knows
    CHARGED_NOT_PAID = "charged-not-paid"  # the order does not count as paid
    PAID_WITHOUT_CHARGE = "paid-without-charge"  # the order counts as paid, and no money was taken
    AMOUNT = "amount-differs"
    REFUNDS = "refunds-differ"
    REFUND_STUCK = "refund-stuck"  # promised over a day ago, and still not paid as far as we know
    SET_ASIDE_TOO_LONG = "set-aside-too-long"
    SET_ASIDE_FOR_NOTHING = "set-aside-for-nothing"  # the order has ended without it
    WAITS_WITHOUT_CHARGE = "waits-without-charge"  # the order waits, and the provider has nothing that could come of it


@dataclass(frozen=True, slots=True)
class Difference:
    """One finding. `reference` is the provider's name for the charge; amounts in minor units, as each side has them."""

    kind: Kind
    order_id: str
    number: str = ""
    reference: str = ""
    currency: str = ""
    ours_minor: int = 0
    theirs_minor: int = 0
    ours: str = ""
    theirs: str = ""


def compare(order: Order | None, charge: Charge | None, *, now: datetime) -> Difference | None:
    """What does not agree of an order and its charge, as far as both are there; the worst first."""
    kind = _kind(order, charge, now)
    if kind is None:
        return None
    return Difference(
        kind,
        order_id=order.id if order else charge.order_id if charge else "",
        number=order.number if order else "",
        reference=charge.reference if charge else "",
        currency=order.currency if order else charge.currency if charge else "",
        ours_minor=_ours_minor(kind, order),
        theirs_minor=_theirs_minor(kind, charge),
        ours=order.payment.state.value if order else "",
        theirs=charge.outcome.value if charge else "",
    )


def is_stuck(order: Order, *, now: datetime) -> bool:
    """Whether the provider has not done for over a day what the order promises."""
    return order.owes_since is not None and now - order.owes_since > OWED


def _kind(order: Order | None, charge: Charge | None, now: datetime) -> Kind | None:
    if order is None:
        is_money = charge is not None and charge.outcome in (Outcome.PAID, Outcome.AUTHORISED)
        return Kind.CHARGED_WITHOUT_ORDER if is_money else None
    if order.status in OPEN and now - order.created_at < UNDER_WAY:
        return None
    if charge is None or charge.outcome in (Outcome.DECLINED, Outcome.VOIDED):
        return _kind_without_money(order)
    return _kind_of_paid(order, charge, now) if charge.outcome is Outcome.PAID else _kind_of_waiting(order, charge, now)


def _kind_of_waiting(order: Order, charge: Charge, now: datetime) -> Kind | None:
    if order.payment.captured_minor:
        return Kind.PAID_WITHOUT_CHARGE
    if order.status not in OPEN and not _is_being_voided(order, now):
        return Kind.SET_ASIDE_FOR_NOTHING
    is_old = charge.outcome is Outcome.AUTHORISED and now - charge.charged_at > SET_ASIDE
    return Kind.SET_ASIDE_TOO_LONG if is_old else None


def _kind_without_money(order: Order) -> Kind | None:
    if order.payment.captured_minor:
        return Kind.PAID_WITHOUT_CHARGE
    return Kind.WAITS_WITHOUT_CHARGE if order.payment.state in _WAITING and order.status in OPEN else None


def _kind_of_paid(order: Order, charge: Charge, now: datetime) -> Kind | None:
    payment = order.payment
    if not payment.captured_minor:
        return None if _is_being_voided(order, now) else Kind.CHARGED_NOT_PAID
    if (payment.captured_minor, order.currency) != (charge.amount_minor, charge.currency):
        return Kind.AMOUNT
    pending_minor = sum(refund.amount_minor for refund in payment.pending)  # either side of the question
    if not 0 <= charge.refunded_minor - payment.refunded_minor <= pending_minor:
        return Kind.REFUNDS
    return Kind.REFUND_STUCK if is_stuck(order, now=now) else None


def _is_being_voided(order: Order, now: datetime) -> bool:
    return order.owes_void and not is_stuck(order, now=now)


def _ours_minor(kind: Kind, order: Order | None) -> int:
    if order is None:
        return 0
    payment = order.payment
    if kind is Kind.REFUND_STUCK:
        return payment.refunded_minor + sum(refund.amount_minor for refund in payment.pending)
    return payment.refunded_minor if kind is Kind.REFUNDS else payment.captured_minor


def _theirs_minor(kind: Kind, charge: Charge | None) -> int:
    if charge is None:
        return 0
    return charge.refunded_minor if kind in (Kind.REFUNDS, Kind.REFUND_STUCK) else charge.amount_minor
