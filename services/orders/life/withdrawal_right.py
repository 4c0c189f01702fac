"""Who may withdraw from a purchase, and until when (Directive 2011/83/EU article 9)."""

from datetime import UTC, datetime, time, timedelta

from services.orders.life.domain import Order
from services.orders.life.steps import Status
from services.orders.taxes.table import eu_countries

_DAYS = 14
_WEST = timedelta(hours=12)
"""UTC-12 is the last place where a day is still that day."""
NOT_SHIPPED = frozenset({Status.IN_REVIEW, Status.PAID, Status.IN_PREPARATION})
ON_ITS_WAY = frozenset({Status.SHIPPED, Status.DELIVERED})
OPEN_TO_IT = NOT_SHIPPED | ON_ITS_WAY | {Status.RETURNED}
"""Goods may be back before their buyer has said so here, by letter perhaps."""


def may_withdraw(order: Order, *, sells_in_eu: bool, now: datetime) -> bool:
    """Whether the buyer may declare a withdrawal now."""
    if not sells_in_eu or order.replaces is not None or order.country not in eu_countries():
        return False
    if order.withdrawal is not None and order.withdrawal.confirmed_at is not None:
        return False
    until = withdraw_until(order)
    return order.status in OPEN_TO_IT and (until is None or now < until)


def withdraw_until(order: Order) -> datetime | None:
    """When the time for it is over; none as long as nothing was delivered.

    The day of delivery does not count, and a period that would end on a Saturday or Sunday ends on the Monday
    (Regulation 1182/71, article 3); public holidays are not known here. The day ends when it has ended everywhere.
    """
    delivered = next((step.at for step in order.history if step.status is Status.DELIVERED), None)
    if delivered is None:
        return None
    last_on = delivered.date() + timedelta(days=_DAYS)
    while last_on.weekday() >= 5:
        last_on += timedelta(days=1)
    return datetime.combine(last_on + timedelta(days=1), time(), UTC) + _WEST
