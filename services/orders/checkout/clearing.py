"""Whether a stored checkout may be charged, by what screening says."""

from services.orders.checkout.card import KeptCard
from services.orders.deps import Deps
from services.orders.life.conclude import conclude
from services.orders.life.domain import Order
from services.orders.payments.provider import Charge, Outcome
from services.orders.screening.domain import Decision, Verdict
from services.orders.screening.screen import Checkout

BLOCKED_AS = "card-declined"
"""What a blocked buyer is told: the same as by a provider that gives no reason, so that nobody learns of rules."""


async def screened(deps: Deps, order: Order, card: KeptCard) -> Verdict:
    """What the rules say of an order that is stored and not charged yet.

    Raises:
        TransientError: the database is away.
    """
    checkout = Checkout(
        marks=order.marks,
        account_id=order.account_id,
        first6=card.first6,
        country=order.country,
        currency=order.currency,
        amount_minor=order.total_minor,
    )
    return await deps.screener.screen(checkout, at=order.created_at)


async def cleared(deps: Deps, order: Order) -> Order:
    """The order, judged: still `charging` where it may be charged, else as it has ended.

    What is allowed is written with the next step. A review is written first: the provider then only sets the money
    aside, and whoever ends the order in our place must know why.
    """
    verdict = order.screening
    if verdict is None or verdict.decision is Decision.ALLOW:
        return order
    if verdict.decision is Decision.REVIEW:
        return await deps.orders.save(order) or await deps.orders.get(order.id)
    refused = Charge(order.id, 0, order.currency, Outcome.DECLINED, BLOCKED_AS, deps.clock())
    return await conclude(deps, order, refused)


def is_captured(order: Order) -> bool:
    """Whether its charge takes the money at once."""
    return order.screening is None or order.screening.decision is not Decision.REVIEW
