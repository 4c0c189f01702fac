"""What warranty asks for a claim: money back, or another watch. Answered by event, once, also where it cannot be.

A refund's id and a replacement's key follow from the claim, so that a second delivery finds what the first one did. A
refusal is kept with its event (`shared.answers`) and stands: what is asked again later gets no other answer.
"""

from datetime import timedelta
from functools import partial

from services.orders.deps import Deps
from services.orders.life.domain import SHOP, Order, OrderNotFound
from services.orders.life.finish import finish_soon
from services.orders.life.refunds import refund
from services.orders.life.replacement import item_of, replacement_for
from services.orders.payments.domain import Refund, RefundTooHigh
from shared.answers import Begun
from shared.consumer import Handler
from shared.contracts.orders import RefundRefused, ReplacementRefused
from shared.contracts.warranty import RefundRequested, ReplacementRequested
from shared.errors import DomainError
from shared.events import Contract, Event

CLAIMS = "orders.claims"
_KEPT = timedelta(days=366)


def claim_handlers(deps: Deps) -> dict[str, Handler]:
    """For the queue of what claims ask."""
    return {
        RefundRequested.TYPE: partial(refund_claim, deps),
        ReplacementRequested.TYPE: partial(replace_for_claim, deps),
    }


async def refund_claim(deps: Deps, event: Event) -> None:
    """Pay back what was paid for an item, or the part that is asked.

    Raises:
        TransientError: nothing is decided, or the sweep goes on; the same event again is safe.
    """
    asked = event.read(RefundRequested)
    key = f"claim-refund:{asked.claim_id}"
    if await _is_refused(deps, key):
        return
    order = await deps.orders.find(asked.order_id)
    try:
        if order is None:
            raise OrderNotFound
        await refund(deps, order, _wanted(deps, order, asked))
    except DomainError as refusal:
        await _refuse(deps, key, _no_refund(deps, asked, refusal.code))


async def replace_for_claim(deps: Deps, event: Event) -> None:
    """Send another watch of the same kind.

    Raises:
        TransientError: as `refund_claim`.
    """
    asked = event.read(ReplacementRequested)
    key = f"claim-replacement:{asked.claim_id}"
    if await _is_refused(deps, key):
        return
    try:
        await finish_soon(deps, await replacement_for(deps, asked))
    except DomainError as refusal:
        told = ReplacementRefused(
            claim_id=asked.claim_id,
            order_id=asked.order_id,
            item_id=asked.item_id,
            reason=refusal.code,
            refused_at=deps.clock(),
        )
        await _refuse(deps, key, told)


def _wanted(deps: Deps, order: Order, asked: RefundRequested) -> Refund:
    """The refund of a claim; its id follows from the claim, its amount is at most what was paid for the item.

    Raises:
        UnknownItem, RefundTooHigh: the order does not allow it.
    """
    price_minor = item_of(order, asked.item_id).line.unit_price_minor
    amount_minor = price_minor if asked.amount_minor is None else asked.amount_minor
    if amount_minor > price_minor:
        raise RefundTooHigh(price_minor)
    return Refund(_refund_id(asked), amount_minor, f"claim:{asked.claim_id}", SHOP, deps.clock())


def _no_refund(deps: Deps, asked: RefundRequested, reason: str) -> RefundRefused:
    return RefundRefused(
        refund_id=_refund_id(asked),
        order_id=asked.order_id,
        amount_minor=asked.amount_minor,
        source=f"claim:{asked.claim_id}",
        claim_id=asked.claim_id,
        reason=reason,
        refused_at=deps.clock(),
    )


def _refund_id(asked: RefundRequested) -> str:
    return f"claim-{asked.claim_id}"


async def _is_refused(deps: Deps, key: str) -> bool:
    begun = await deps.answers.find(key)
    return begun is not None and begun.is_answered


async def _refuse(deps: Deps, key: str, told: RefundRefused | ReplacementRefused) -> None:
    at = deps.clock()
    await deps.answers.begin(Begun(key, at + _KEPT))
    await deps.answers.answer(key, [_event(deps, told, told.order_id)])


def _event(deps: Deps, told: Contract, subject: str) -> Event:
    return Event.of(told, id=deps.new_id(), subject=subject, at=deps.clock())
