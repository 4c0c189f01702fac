"""What becomes of an order after its purchase, as warranty hears of it: twice, out of order, of somebody erased."""

import asyncio
from contextlib import nullcontext
from datetime import timedelta

import pytest

from services.warranty.holders import account_key, open_contact
from services.warranty.orders import order_handlers
from services.warranty.records.domain import FromTheFuture, ImpossiblePurchase
from services.warranty.records.usecases import record_purchase
from services.warranty.work import build_work
from shared.contracts.orders import (
    Buyer,
    OrderCancelled,
    OrderClaimed,
    OrderDelivered,
    OrderShipped,
    RefundCompleted,
    Replaces,
    ShippedItem,
)
from shared.events import Contract, Event
from shared.topology import streams_of
from tests.unit.warranty.doubles import NOON
from tests.unit.warranty.world import World


def shipped(serial: str, *, order: str = "o-1", days: int = 0, replaces: str = "") -> Event:
    claim = Replaces(order_id="o-1", item_id=replaces, claim_id="c-1") if replaces else None
    at = NOON + timedelta(days=days)
    item = ShippedItem(item_id=f"{order}-1-1", sku="kisai-rogue", name="Kisai Rogue", serial=serial)
    told = OrderShipped(order_id=order, number="N", shipped_at=at, items=(item,), replaces=claim, recipient={})
    return Event.of(told, id=f"e-{serial}", subject=order, at=at)


def cancelled(order: str = "o-1", *, replaces: str = "") -> Event:
    claim = Replaces(order_id="o-1", item_id=replaces, claim_id="c-1") if replaces else None
    told = OrderCancelled(
        order_id=order, number="N", cancelled_at=NOON, by="buyer", currency="JPY", refund_minor=0,
        replaces=claim, recipient={},
    )  # fmt: skip
    return Event.of(told, id=f"e-x-{order}", subject=order, at=NOON)


def refunded(sum_minor: int, *, order: str = "o-1") -> Event:
    told = RefundCompleted(
        refund_id=f"r-{sum_minor}", order_id=order, number="N", completed_at=NOON, currency="JPY",
        amount_minor=100, refunded_minor=sum_minor, source="desk", recipient={},
    )  # fmt: skip
    return Event.of(told, id=f"e-r-{sum_minor}", subject=order, at=NOON)


def claimed(world: World, account: str = "a-1") -> Event:
    sealed = world.sealing.sealer.seal_for(
        {"warranty": Buyer(account_id=account)}, event_type=OrderClaimed.TYPE, event_id="e-c", field="buyer"
    )
    return Event.of(OrderClaimed(order_id="o-1", claimed_at=NOON, buyer=sealed), id="e-c", subject="o-1", at=NOON)


async def handle(world: World, *events: Event) -> None:
    for event in events:
        await order_handlers(world.deps)[event.type](event)


def test_every_queue_of_warranty_has_its_handlers(world: World) -> None:
    handlers = build_work(world.deps).handlers

    assert {stream.queue: set(stream.types) for stream in streams_of("warranty")} == {
        queue: set(by_type) for queue, by_type in handlers.items()
    }


@pytest.mark.parametrize(("ahead", "taken"), [(timedelta(days=1), True), (timedelta(days=1, seconds=1), False)])
async def test_what_is_told_of_a_day_that_has_not_come_is_refused(world: World, ahead: timedelta, taken: bool) -> None:
    await world.deliver("a-1")
    at = NOON + ahead
    item = ShippedItem(item_id="o-1-1-1", sku="kisai-rogue", name="Kisai Rogue", serial="TF-1")
    told: list[Contract] = [
        OrderShipped(order_id="o-1", number="N", shipped_at=at, items=(item,), recipient={}),
        OrderDelivered(order_id="o-1", number="N", delivered_at=at),
        OrderCancelled(
            order_id="o-1", number="N", cancelled_at=at, by="buyer", currency="JPY", refund_minor=0, recipient={}
        ),
    ]

    for contract in told:
        with nullcontext() if taken else pytest.raises(FromTheFuture):
            await handle(world, Event.of(contract, id="e-9", subject="o-1", at=at))
    with nullcontext() if taken else pytest.raises(FromTheFuture):
        await record_purchase(world.deps, world.purchase("a-1", order="o-9", at=at))

    first = {record.id: record for record in await world.listed("a-1")}["o-1-1-1"]
    facts = (first.serial, first.delivered_at, first.cancelled_at)
    assert facts == (("TF-1", at, at) if taken else ("", None, None))
    assert ("o-9-1-1" in world.purchases.records) is taken


async def test_a_unit_has_the_serial_number_of_its_last_parcel_whatever_comes_first(world: World) -> None:
    await world.deliver("a-1", items=2)
    first, second = shipped("TF-1"), shipped("TF-2", order="o-2", days=9, replaces="o-1-1-1")

    world.clock.advance(days=9)
    await handle(world, second, first, second, first)

    assert {record.id: record.serial for record in await world.listed("a-1")} == {"o-1-1-1": "TF-2", "o-1-1-2": ""}


async def test_a_parcel_before_its_purchase_is_noted_at_once(world: World) -> None:
    await handle(world, shipped("TF-1"))

    await world.deliver("a-1")

    assert [record.serial for record in await world.listed("a-1")] == ["TF-1"]


async def test_an_order_may_be_claimed_before_its_purchase_is_known(world: World) -> None:
    await handle(world, claimed(world))

    await world.deliver("", items=2)
    await world.deliver("", order="o-2")

    assert sorted(record.id for record in await world.listed("a-1")) == ["o-1-1-1", "o-1-1-2"]
    [record, _] = await world.purchases.of_order("o-1")
    person = await world.deps.people.known("a-1")
    assert open_contact(record, person).email == ""


async def test_of_an_order_that_somebody_had_claimed_and_was_erased_nobody_owns_what_comes_later(world: World) -> None:
    await handle(world, claimed(world))
    await world.deps.people.erase("a-1")
    await world.purchases.unlink(account_key(world.deps, "a-1"))

    await world.deliver("")

    assert await world.listed("a-1") == []
    assert world.purchases.order_owners == {}
    assert [record.owner.sealed if record.owner else b"" for record in world.purchases.records.values()] == [b""]


async def test_a_guests_records_become_the_accounts_that_claimed_the_order(world: World) -> None:
    await world.deliver("", items=2)
    assert await world.listed("a-1") == []

    await asyncio.gather(*(handle(world, claimed(world)) for _ in range(5)))

    assert sorted(record.id for record in await world.listed("a-1")) == ["o-1-1-1", "o-1-1-2"]


async def test_of_somebody_erased_since_nobody_owns_the_records(world: World) -> None:
    await world.deliver("")
    await world.deps.people.person("a-1")
    await world.deps.people.erase("a-1")

    await handle(world, claimed(world))

    assert await world.listed("a-1") == []


async def test_what_is_cancelled_and_paid_back_is_known_whatever_comes_first_or_twice(world: World) -> None:
    events = [refunded(200), cancelled(), refunded(100)]

    await handle(world, *events)
    await world.deliver("a-1", items=2)
    await handle(world, *reversed(events))

    assert [(r.cancelled_at, r.order_refunded_minor) for r in await world.listed("a-1")] == [(NOON, 200)] * 2


async def test_a_cancelled_replacement_cancels_no_purchase(world: World) -> None:
    await world.deliver("a-1")

    await handle(world, cancelled("o-2", replaces="o-1-1-1"), cancelled("o-1", replaces="o-0-1-1"))

    [record] = await world.listed("a-1")
    assert record.cancelled_at is None


async def test_an_order_cancelled_before_it_was_paid_leaves_no_record(world: World) -> None:
    await handle(world, cancelled("o-9"))

    assert world.purchases.records == {}


@pytest.mark.parametrize("sum_minor", [-1, 2**53 + 1, 2**80])
async def test_a_refund_beyond_reason_is_refused(world: World, sum_minor: int) -> None:
    await world.deliver("a-1")

    with pytest.raises(ImpossiblePurchase):
        await handle(world, refunded(sum_minor))

    [record] = await world.listed("a-1")
    assert record.order_refunded_minor == 0
