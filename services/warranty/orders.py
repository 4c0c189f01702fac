"""What orders tells: serial numbers, what was cancelled or paid back, whose an order is now, answers to claims.

What is told of a day that has not come is refused (`FromTheFuture`): for as long as that it would decide what number
a unit has, or until when it is covered.
"""

from collections.abc import Mapping
from functools import partial

from services.warranty.claims import sagas
from services.warranty.claims.handover import hand_over
from services.warranty.deps import Deps
from services.warranty.holders import account_key, guest_person
from services.warranty.records.domain import MOST_MINOR, ImpossiblePurchase, OrderOwner, refuse_future
from services.warranty.records.store import ORDER_OWNERS
from services.warranty.records.usecases import link_to_account
from shared.consumer import Handler
from shared.contracts.orders import (
    Buyer,
    OrderCancelled,
    OrderClaimed,
    OrderDelivered,
    OrderShipped,
    RefundCompleted,
    RefundRefused,
    ReplacementCreated,
    ReplacementRefused,
)
from shared.events import Event
from shared.personal import PersonErased, Place

ORDERS = "warranty.orders"


def order_handlers(deps: Deps) -> Mapping[str, Handler]:
    """For the queue of what happens to orders."""
    return {
        OrderShipped.TYPE: partial(note_serials, deps),
        OrderDelivered.TYPE: partial(note_delivery, deps),
        OrderCancelled.TYPE: partial(note_cancellation, deps),
        RefundCompleted.TYPE: partial(note_refund, deps),
        RefundRefused.TYPE: partial(refuse_refund, deps),
        ReplacementCreated.TYPE: partial(note_replacement, deps),
        ReplacementRefused.TYPE: partial(refuse_replacement, deps),
        OrderClaimed.TYPE: partial(link_records, deps),
    }


async def note_delivery(deps: Deps, event: Event) -> None:
    """Note when an order arrived: a rule may count from there. A replacement begins no cover of its own."""
    told = event.read(OrderDelivered)
    refuse_future(told.delivered_at, now=deps.clock())
    if not told.is_replacement:
        await deps.purchases.note_delivered(told.order_id, at=told.delivered_at)


async def refuse_refund(deps: Deps, event: Event) -> None:
    """A claim's refund won't be paid."""
    told = event.read(RefundRefused)
    refuse_future(told.refused_at, now=deps.clock())
    await sagas.refund_refused(deps, told)


async def note_replacement(deps: Deps, event: Event) -> None:
    """A claim's replacement is set aside."""
    told = event.read(ReplacementCreated)
    refuse_future(told.created_at, now=deps.clock())
    await sagas.replacement_created(deps, told)


async def refuse_replacement(deps: Deps, event: Event) -> None:
    """A claim's replacement can't be sent."""
    told = event.read(ReplacementRefused)
    refuse_future(told.refused_at, now=deps.clock())
    await sagas.replacement_refused(deps, told)


async def note_serials(deps: Deps, event: Event) -> None:
    """Note each unit's serial number; a replacement's goes to the record of the unit that it stands in for."""
    told = event.read(OrderShipped)
    refuse_future(told.shipped_at, now=deps.clock())
    for item in told.items:
        record_id = item.item_id if told.replaces is None else told.replaces.item_id
        await deps.purchases.number(record_id, item.serial, at=told.shipped_at)
    await sagas.replacement_shipped(deps, told)


async def note_cancellation(deps: Deps, event: Event) -> None:
    """Note that an order was cancelled; that of a replacement ends no purchase."""
    told = event.read(OrderCancelled)
    refuse_future(told.cancelled_at, now=deps.clock())
    if told.replaces is None:
        await deps.purchases.note_cancelled(told.order_id, at=told.cancelled_at)
    await sagas.replacement_cancelled(deps, told)


async def note_refund(deps: Deps, event: Event) -> None:
    """Note how much has gone back of an order. The event names the sum, so that none is counted twice.

    Raises:
        ImpossiblePurchase: a sum beyond all reason.
    """
    told = event.read(RefundCompleted)
    refuse_future(told.completed_at, now=deps.clock())
    if not 0 <= told.refunded_minor <= MOST_MINOR:
        raise ImpossiblePurchase(f"order {told.order_id}: refunded sum out of range")
    await deps.purchases.note_refunded(told.order_id, told.refunded_minor)
    await sagas.refund_completed(deps, told)


async def link_records(deps: Deps, event: Event) -> None:
    """Give a guest's records the owner who claimed the order; of somebody erased since, nobody.

    Whose the order is now is noted first: what is recorded of its purchase later finds it.
    """
    told = event.read(OrderClaimed)
    buyer = deps.unsealer.open(Buyer, told.buyer, event=event, field="buyer")
    try:
        person = await deps.people.person(buyer.account_id)
    except PersonErased:
        return
    sealed = person.seal_model(buyer, Place(ORDER_OWNERS, "buyer", told.order_id))
    owner = OrderOwner(account_key(deps, buyer.account_id), buyer.account_id, sealed)
    await deps.purchases.note_owner(told.order_id, owner)
    await link_to_account(deps, await deps.purchases.of_order(told.order_id), person, owner)
    await hand_over(deps, told.order_id, buyer.account_id)
    await deps.people.erase(guest_person(told.order_id))  # nothing is left under the guest's key
    # As when a purchase is recorded: one of an erasure and this sees the other.
    if await deps.data_keys.find(buyer.account_id) is None:
        await deps.purchases.unlink(account_key(deps, buyer.account_id))
