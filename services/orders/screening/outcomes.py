"""What screening learns of how a checkout has ended: whose card was declined, and who has paid."""

import structlog

from services.orders.deps import Deps
from services.orders.life.domain import Order
from services.orders.life.steps import Status
from services.orders.screening.domain import Decision
from shared.errors import TransientError

log = structlog.get_logger(__name__)


async def learn(deps: Deps, order: Order, *, in_checkout: bool) -> None:
    """Count how the order has ended, by the time of its checkout; to be called by whoever has written that, and once.

    What was paid is stored with the next count, which comes soon where there are checkouts; elsewhere it is stored at
    once. A count that cannot be stored makes a rule a little milder, and is no reason not to go on.
    """
    try:
        if order.status is Status.DECLINED and not _is_blocked(order):
            await deps.screener.tallies.count_decline(order.marks, at=order.created_at)
        elif order.status is Status.PAID and order.marks.card:  # else the buyer was erased: nothing is known of them
            _count_paid(deps, order)
            if not in_checkout:
                await deps.screener.tallies.store_paid()
    except TransientError as error:
        log.warning("outcome not counted", order_id=order.id, error=str(error))


def _count_paid(deps: Deps, order: Order) -> None:
    tallies, at = deps.screener.tallies, order.created_at
    tallies.count_paid(order.marks, order.account_id, order.total_minor, order.currency, at=at)


def _is_blocked(order: Order) -> bool:
    """The rules have declined it: it was no card that a bank did not want."""
    return order.screening is not None and order.screening.decision is Decision.BLOCK
