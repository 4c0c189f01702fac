"""What warranty asks for claims, on real MongoDB and RabbitMQ: twice, out of order, while orders is killed and away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from services.orders.catalogue.mongo import MongoProducts
from services.orders.life.claims import CLAIMS, claim_handlers
from services.orders.life.domain import Order
from services.orders.life.finish import sweep_unfinished
from services.orders.life.mongo import MongoOrders
from services.orders.life.shipping import Parcel, ship
from services.orders.life.store import COLLECTION
from services.orders.payments.mongo import MongoLedger
from services.orders.service import ensure_order_indexes
from services.orders.stock.mongo import MongoStock
from shared.answers import COLLECTION as ANSWERS
from shared.answers import MongoAnswers
from shared.broker import open_bus
from shared.bus import Bus, Delivery, Outgoing
from shared.clock import system_clock
from shared.consumer import Consumer
from shared.contracts.orders import RefundCompleted, RefundRefused, ReplacementCreated
from shared.contracts.warranty import RefundRequested, ReplacementRequested
from shared.datakeys import MongoDataKeys
from shared.events import Event, decode, encode
from shared.leases import Leases
from shared.mongo import Database, beside
from shared.outbox import Relay
from shared.testing.clock import NOON
from shared.topology import EXCHANGE
from tests.unit.orders.world import PATIENT, SKU, Stores, World, a_body, a_world

PRICE, STOCKED = 14_800, 100_000


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    await ensure_order_indexes(database)
    stores = Stores(
        stock=MongoStock(database),
        orders=MongoOrders(database),
        ledger=MongoLedger(database),
        data_keys=MongoDataKeys(beside(database, f"{database.name}_keys")),
        products=MongoProducts(database),
    )
    async with a_world(stores, settings=PATIENT) as opened:
        patient = opened.deps.settings.model_copy(update={"payment_timeout_s": 5})
        opened.deps = replace(opened.deps, settings=patient)
        yield opened


@asynccontextmanager
async def working(world: World, database: Database, broker_url: str) -> AsyncIterator[Bus]:
    """The consumer and the relay, as `work` runs them; cancelled at the end, as `kill -9` would."""
    async with open_bus(broker_url, name="orders") as bus:
        relay = Relay(database, bus, Leases(database), clock=system_clock, service="orders")
        deps = replace(world.deps, answers=MongoAnswers(database, relay))
        consumer = Consumer(bus, CLAIMS, claim_handlers(deps), clock=system_clock)
        stop = asyncio.Event()
        tasks = [
            asyncio.create_task(bus.consume(CLAIMS, consumer.receive, prefetch=20, stop=stop)),
            asyncio.create_task(relay.run([COLLECTION, ANSWERS], stop=stop, takes_over_after_s=0)),
        ]
        try:
            yield bus
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def shipped(world: World) -> Order:
    order = (await world.buy(a_body(quantity=2))).order
    return await ship(world.deps, order, Parcel("Yamato", "1234-5678"), by="staff:s-1")


def asks(kind: type[Any], order_id: str, claim: str) -> Event:
    told = kind(claim_id=claim, order_id=order_id, item_id=f"{order_id}-1-1", requested_at=NOON)
    return Event.of(told, id=f"e-{claim}", subject=claim, at=NOON)


async def publish(bus: Bus, *events: Event) -> None:
    await bus.publish([Outgoing(EXCHANGE, event.type, encode(event), event.id, type=event.type) for event in events])


async def told(bus: Bus, queue: str, is_wanted: Callable[[Event], bool], *, count: int) -> list[Event]:
    """The first wanted events of a queue, each once."""
    stop, taken = asyncio.Event(), dict[str, Event]()

    async def take(delivery: Delivery) -> None:
        event = decode(delivery.body)
        if is_wanted(event):
            taken[event.id] = event
        if len(taken) == count:
            stop.set()

    async with asyncio.timeout(20):
        await bus.consume(queue, take, prefetch=10, stop=stop)
    return list(taken.values())


async def test_a_claim_that_comes_twice_is_refunded_and_answered_once(
    world: World, database: Database, broker_url: str
) -> None:
    order = await shipped(world)
    once = asks(RefundRequested, order.id, "c-1")

    async with working(world, database, broker_url) as bus:
        await publish(bus, once, once, asks(RefundRequested, "o-9", "c-2"), once)
        [done] = await told(bus, "mailer.orders", lambda event: event.type == RefundCompleted.TYPE, count=1)
        [refused] = await told(bus, "warranty.orders", lambda event: event.type == RefundRefused.TYPE, count=1)

    assert (done.read(RefundCompleted).claim_id, done.read(RefundCompleted).amount_minor) == ("c-1", PRICE)
    assert refused.read(RefundRefused).reason == "order-not-found"
    charge = await world.stores.ledger.find(order.id)
    assert charge is not None
    assert charge.refunded_minor == PRICE


async def test_claims_wait_while_orders_is_away_and_a_kill_midway_changes_nothing(
    world: World, database: Database, broker_url: str
) -> None:
    order = await shipped(world)
    left = await world.left(SKU)
    async with open_bus(broker_url, name="warranty") as bus:
        await publish(bus, asks(ReplacementRequested, order.id, "c-1"), asks(RefundRequested, order.id, "c-2"))

    async with working(world, database, broker_url), asyncio.timeout(20):
        while not await database[COLLECTION].count_documents({"replaces.claim_id": "c-1"}):
            await asyncio.sleep(0)
    await sweep_unfinished(world.deps)
    async with working(world, database, broker_url) as bus:
        await publish(bus, asks(ReplacementRequested, order.id, "c-1"), asks(RefundRequested, order.id, "c-2"))
        [created] = await told(bus, "warranty.orders", lambda event: event.type == ReplacementCreated.TYPE, count=1)
        [done] = await told(bus, "mailer.orders", lambda event: event.type == RefundCompleted.TYPE, count=1)

    assert (created.read(ReplacementCreated).claim_id, done.read(RefundCompleted).claim_id) == ("c-1", "c-2")
    assert await database[COLLECTION].count_documents({"replaces.claim_id": "c-1"}) == 1
    assert await world.left(SKU) == left - 1
    assert (await world.deps.orders.get(order.id)).payment.refunded_minor == PRICE
