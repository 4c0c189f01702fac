"""Warranty asks for a claim, and is answered once by event: twice, out of order, unknown, or killed in between."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.orders.life.cancel import cancel
from services.orders.life.claims import claim_handlers
from services.orders.life.domain import Order
from services.orders.life.finish import sweep_unfinished
from services.orders.life.shipping import Parcel, ship
from services.orders.life.steps import Status
from services.orders.life.view import view_of
from services.orders.payments.differences import compare
from services.orders.payments.domain import PaymentState
from services.orders.persons import Contact, ShippingAddress
from services.orders.work import build_work
from shared.contracts.orders import (
    OrderShipped,
    PurchaseCompleted,
    RefundCompleted,
    RefundRefused,
    ReplacementCreated,
    ReplacementRefused,
)
from shared.contracts.warranty import RefundRequested, ReplacementRequested
from shared.events import Event
from shared.personal import Place
from shared.testing.clock import NOON
from shared.topology import streams_of
from tests.unit.orders.world import LAST_FIVE, SKU, Away, Fate, Mortal, World, a_body

PRICE, STOCKED, MOST_STEPS = 14_800, 100_000, 16
PARCEL = Parcel("Yamato", "1234-5678")


async def shipped(world: World, sku: str = SKU, **body: Any) -> Order:
    order = (await world.buy(a_body(sku, **body))).order
    return await ship(world.deps, order, PARCEL, by="staff:s-1")


def wants_refund(order_id: str, *, item: str = "1-1", claim: str = "c-1", amount_minor: int | None = None) -> Event:
    told = RefundRequested(
        claim_id=claim, order_id=order_id, item_id=f"{order_id}-{item}", amount_minor=amount_minor, requested_at=NOON
    )
    return Event.of(told, id=f"e-{claim}", subject=claim, at=NOON)


def wants_another(order_id: str, *, item: str = "1-1", claim: str = "c-1") -> Event:
    told = ReplacementRequested(claim_id=claim, order_id=order_id, item_id=f"{order_id}-{item}", requested_at=NOON)
    return Event.of(told, id=f"e-{claim}", subject=claim, at=NOON)


async def handle(world: World, *events: Event, deps: Any = None) -> None:
    handlers = claim_handlers(deps or world.deps)
    for event in events:
        await handlers[event.type](event)


def answers(world: World) -> list[Event]:
    """All that warranty is told, of whichever document it left with."""
    kinds = (RefundCompleted, RefundRefused, ReplacementCreated, ReplacementRefused)
    stored = [event for events in world.pending.values() for event in events] + list(world.answers.events)
    return [event for event in stored if event.type in {kind.TYPE for kind in kinds}]


async def replacement(world: World) -> Order:
    [order] = [order for order in await world.all_orders() if order.replaces]
    return order


def test_every_queue_of_orders_has_its_handlers(world: World) -> None:
    handlers = build_work(world.deps).handlers

    assert {stream.queue: set(stream.types) for stream in streams_of("orders")} == {
        queue: set(by_type) for queue, by_type in handlers.items()
    }


@pytest.mark.parametrize(("amount_minor", "paid_minor"), [(None, PRICE), (1_000, 1_000)])
async def test_a_claim_is_refunded_once_and_answered(world: World, amount_minor: int | None, paid_minor: int) -> None:
    order = await shipped(world, quantity=2)
    event = wants_refund(order.id, amount_minor=amount_minor)

    await asyncio.gather(*(handle(world, event) for _ in range(5)))
    await handle(world, event)

    [told] = answers(world)
    done = told.read(RefundCompleted)
    assert (done.claim_id, done.source, done.amount_minor) == ("c-1", "claim:c-1", paid_minor)
    assert (await world.deps.orders.get(order.id)).payment.refunded_minor == paid_minor


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount_minor": PRICE + 1}, "refund-too-high"),
        ({"amount_minor": 0}, "refund-too-high"),
        ({"item": "9-9"}, "unknown-item"),
        ({"order_id": "o-9"}, "order-not-found"),
    ],
)
async def test_a_refund_that_cannot_be_is_an_answer_and_no_dead_letter(
    world: World, change: dict[str, Any], reason: str
) -> None:
    order = await shipped(world)
    event = wants_refund(**{"order_id": order.id} | change)

    await asyncio.gather(*(handle(world, event) for _ in range(3)))
    await handle(world, event)

    [told] = answers(world)
    assert (told.read(RefundRefused).claim_id, told.read(RefundRefused).reason) == ("c-1", reason)
    assert (await world.deps.orders.get(order.id)).payment.refunded_minor == 0


async def test_claims_together_never_get_more_than_was_captured(world: World) -> None:
    order = await shipped(world, quantity=2)
    total = order.payment.captured_minor
    events = [wants_refund(order.id, item=f"1-{n % 2 + 1}", claim=f"c-{n}") for n in range(4)]

    await asyncio.gather(*(handle(world, event) for event in events))

    assert sorted(event.type for event in answers(world)) == [RefundCompleted.TYPE] * 2 + [RefundRefused.TYPE] * 2
    assert (await world.deps.orders.get(order.id)).payment.refunded_minor == 2 * PRICE <= total


async def test_a_provider_that_is_away_pays_the_claim_later(world: World) -> None:
    order = await shipped(world)

    await handle(world, wants_refund(order.id), deps=replace(world.deps, provider=Away()))
    assert answers(world) == []
    await sweep_unfinished(world.deps)

    assert [event.type for event in answers(world)] == [RefundCompleted.TYPE]


async def test_a_replacement_is_an_order_of_nothing_to_the_same_place(world: World) -> None:
    order = await shipped(world, quantity=2)

    await asyncio.gather(*(handle(world, wants_another(order.id)) for _ in range(5)))
    await handle(world, wants_another(order.id))

    other = await replacement(world)
    assert (other.total_minor, other.status, other.units) == (0, Status.IN_PREPARATION, 1)
    assert (other.payment.state, other.personal.card) == (PaymentState.CREATED, b"")
    assert await world.stores.ledger.find(other.id) is None
    assert await world.left() == STOCKED - 3
    [told] = answers(world)
    created = told.read(ReplacementCreated)
    assert (created.claim_id, created.order_id, created.replacement_order_id) == ("c-1", order.id, other.id)
    person = await world.deps.people.known(other.personal.person_id)
    contact = person.open_model(Contact, other.personal.contact, Place("orders", "contact", other.id), purpose="order")
    where = Place("orders", "shipping", other.id)
    address = person.open_model(ShippingAddress, other.personal.shipping, where, purpose="order")
    assert (contact.email, address.line1) == ("ann@example.org", "1-2-3 Jingumae")
    assert other.personal.person_id == f"order:{other.id}"


async def test_a_replacement_ships_with_a_serial_number_and_names_its_claim(world: World) -> None:
    order = await shipped(world)
    await handle(world, wants_another(order.id))

    other = await ship(world.deps, await replacement(world), PARCEL, by="staff:s-1")

    told = next(event for event in world.pending[other.id] if event.type == OrderShipped.TYPE).read(OrderShipped)
    assert told.replaces is not None
    assert (told.replaces.claim_id, told.replaces.item_id) == ("c-1", f"{order.id}-1-1")
    assert [item.serial for item in told.items] == [each.serial for each in other.shipment.serials]  # type: ignore[union-attr]
    assert PurchaseCompleted.TYPE not in {event.type for event in world.pending[other.id]}
    view = await view_of(world.deps, other)
    assert (view.card, view.total_minor, view.replaces) == (None, 0, order.id)


async def test_the_books_miss_no_charge_of_a_replacement(world: World) -> None:
    order = await shipped(world)
    await handle(world, wants_another(order.id))

    later = world.clock() + timedelta(days=1)

    assert compare(await replacement(world), None, now=later) is None


async def test_a_replacement_that_is_sold_out_is_refused_and_ends(world: World) -> None:
    order = await shipped(world, LAST_FIVE, quantity=5)

    await handle(world, wants_another(order.id), wants_another(order.id))
    await sweep_unfinished(world.deps)

    [told] = answers(world)
    assert told.read(ReplacementRefused).reason == "sold-out"
    assert (await replacement(world)).status is Status.CANCELLED
    assert await world.left(LAST_FIVE) == 0


async def test_an_erased_buyer_gets_no_replacement(world: World) -> None:
    order = await shipped(world)
    await world.deps.people.erase(f"order:{order.id}")

    await handle(world, wants_another(order.id))

    [told] = answers(world)
    assert told.read(ReplacementRefused).reason == "person-erased"
    assert len(await world.all_orders()) == 1


@pytest.mark.parametrize(
    ("change", "reason"), [({"item": "9-9"}, "unknown-item"), ({"order_id": "o-9"}, "order-not-found")]
)
async def test_a_replacement_for_what_is_not_known_is_an_answer(
    world: World, change: dict[str, Any], reason: str
) -> None:
    order = await shipped(world)

    await handle(world, wants_another(**{"order_id": order.id} | change))

    [told] = answers(world)
    assert told.read(ReplacementRefused).reason == reason


async def test_what_was_not_shipped_is_not_replaced(world: World) -> None:
    order = (await world.buy()).order

    await handle(world, wants_another(order.id))

    [told] = answers(world)
    assert told.read(ReplacementRefused).reason == "not-shipped"


@pytest.mark.parametrize("wants", [wants_refund, wants_another])
@pytest.mark.parametrize("dies_at", range(1, MOST_STEPS + 1))
async def test_whoever_dies_with_a_claim_in_hand_leaves_it_to_the_next_delivery(
    world: World, wants: Any, dies_at: int
) -> None:
    order = await shipped(world)
    fate = Fate(dies_at)
    peers = ("orders", "stock", "provider", "data_keys", "answers")
    doomed = replace(world.deps, **{name: Mortal(getattr(world.deps, name), fate) for name in peers})

    await asyncio.gather(handle(world, wants(order.id), deps=doomed), return_exceptions=True)
    await handle(world, wants(order.id))
    await sweep_unfinished(world.deps)

    assert len(answers(world)) == 1
    is_refund = wants is wants_refund
    assert await world.left() == STOCKED - (1 if is_refund else 2)
    assert (await world.deps.orders.get(order.id)).payment.refunded_minor == (PRICE if is_refund else 0)
    assert not [each for each in await world.all_orders() if each.is_unfinished]


async def test_a_replacement_that_is_cancelled_gives_its_unit_back(world: World) -> None:
    order = await shipped(world)
    await handle(world, wants_another(order.id))

    other = await cancel(world.deps, await replacement(world), by="staff:s-1")

    assert (other.status, other.payment.refunds) == (Status.CANCELLED, ())
    assert await world.left() == STOCKED - 1
