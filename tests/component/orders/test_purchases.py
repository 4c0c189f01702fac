"""Purchases on real MongoDB and RabbitMQ."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import aio_pika
import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.orders.app import build_app
from services.orders.catalogue.mongo import MongoProducts
from services.orders.checkout.attempt import OutcomeUnknown
from services.orders.life.mongo import MongoOrders
from services.orders.life.steps import Status
from services.orders.life.store import COLLECTION
from services.orders.payments.mongo import MongoLedger
from services.orders.profile.mongo import MongoProfiles
from services.orders.service import ensure_order_indexes
from services.orders.stock.mongo import MongoStock
from services.orders.stock.store import Wanted
from shared.broker import open_bus
from shared.bus import Delivery
from shared.clock import system_clock
from shared.contracts.orders import PurchaseCompleted
from shared.datakeys import MongoDataKeys
from shared.events import decode
from shared.leases import Leases
from shared.mongo import Database, beside
from shared.outbox import Relay
from shared.testing.bus import MemoryBus
from tests.unit.orders.doubles import a_product
from tests.unit.orders.world import (
    DECLINED,
    LAST_FIVE,
    PATIENT,
    SETTINGS,
    SILENT,
    SKU,
    Fate,
    Stores,
    World,
    a_body,
    a_world,
    mortal,
)

MOST_STEPS = 12
SKU_OF_TWENTY = "TF-LAST-20"


@pytest.fixture
async def stores(database: Database) -> Stores:
    await ensure_order_indexes(database)
    return Stores(
        stock=MongoStock(database),
        orders=MongoOrders(database),
        ledger=MongoLedger(database),
        profiles=MongoProfiles(database),
        data_keys=MongoDataKeys(beside(database, f"{database.name}_keys")),
        products=MongoProducts(database),
    )


@pytest.fixture
async def world(stores: Stores) -> AsyncIterator[World]:
    async with a_world(stores, settings=PATIENT) as opened:
        yield opened


async def test_fifty_equal_requests_at_once_buy_once(world: World) -> None:
    async with TestClient(TestServer(build_app(world.deps))) as client:

        async def once() -> int:
            headers = {"Idempotency-Key": "k-1"}
            return (await client.post("/api/orders", json=a_body(LAST_FIVE), headers=headers)).status

        statuses = await asyncio.gather(*(once() for _ in range(50)))

    assert statuses.count(201) >= 1
    assert set(statuses) <= {201, 409}
    assert len(await world.all_orders()) == 1
    assert await world.paid_charges() == 1
    await world.sweep()
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_thirty_buyers_for_the_last_five(world: World) -> None:
    outcomes = await asyncio.gather(*(world.buy(a_body(LAST_FIVE)) for _ in range(30)), return_exceptions=True)

    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 5
    assert await world.paid_charges() == 5
    await world.sweep()
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_two_hundred_buyers_at_once_for_the_last_twenty(stores: Stores, database: Database) -> None:
    patient = SETTINGS.model_copy(update={"payment_timeout_s": 10})  # 200 at once keep a small machine busy
    async with a_world(stores, settings=patient) as world, TestClient(TestServer(build_app(world.deps))) as client:
        await world.deps.products.put(a_product(SKU_OF_TWENTY), stock=20)

        async def one(number: int) -> tuple[int, str]:
            headers = {"Idempotency-Key": f"k-{number}"}
            answer = await client.post("/api/orders", json=a_body(SKU_OF_TWENTY), headers=headers)
            body = await answer.json()
            return answer.status, body["status"] if answer.status == 201 else body["type"]

        answers = Counter(await asyncio.gather(*(one(number) for number in range(200))))

        assert answers == {(201, "paid"): 20, (409, "/problems/sold-out"): 180}
        assert await world.paid_charges() == 20
        await world.sweep()
        await world.assert_books_balance(SKU_OF_TWENTY, 20)
        document = await database["stock"].find_one({"_id": SKU_OF_TWENTY})
        assert document == {"_id": SKU_OF_TWENTY, "count": 0, "holds": {}}


async def test_the_hold_of_an_order_that_never_ended_expires(world: World) -> None:
    with pytest.raises(OutcomeUnknown):
        await world.buy(a_body(LAST_FIVE, quantity=2, card=SILENT))

    await world.sweep(after_s=SETTINGS.resolve_after_s / 2)
    held = (await world.left(LAST_FIVE), await world.holds())
    await world.sweep(after_s=SETTINGS.resolve_after_s)

    assert held == (3, 1)
    assert (await world.left(LAST_FIVE), await world.holds()) == (5, 0)
    assert [order.status for order in await world.all_orders()] == [Status.FAILED]


async def test_the_hold_of_an_order_that_is_gone_expires(world: World) -> None:
    await world.deps.stock.reserve("o-gone", [Wanted(LAST_FIVE, 2)], at=world.clock())

    await world.sweep()

    assert (await world.left(LAST_FIVE), await world.holds()) == (5, 0)


async def test_who_came_too_late_has_left_nothing(world: World, database: Database) -> None:
    await asyncio.gather(*(world.buy(a_body(LAST_FIVE)) for _ in range(30)), return_exceptions=True)

    assert await database[COLLECTION].count_documents({}) == 5
    assert await beside(database, f"{database.name}_keys")["data_keys"].count_documents({}) == 5


@pytest.mark.parametrize("card", ["4242424242424242", DECLINED])
async def test_whoever_dies_at_any_step_leaves_books_that_balance(world: World, card: str) -> None:
    doomed = (
        world.buy(a_body(SKU, card=card), key=f"k-{step}", deps=mortal(world.deps, Fate(step)))
        for step in range(1, MOST_STEPS + 1)
    )
    await asyncio.gather(*doomed, return_exceptions=True)

    await world.sweep()

    await world.assert_books_balance(SKU, 100_000)


async def test_who_asks_again_after_a_death_is_charged_once(world: World) -> None:
    keys = [f"k-{step}" for step in range(1, MOST_STEPS + 1)]
    doomed = (
        world.buy(a_body(), key=key, deps=mortal(world.deps, Fate(step))) for step, key in enumerate(keys, start=1)
    )
    await asyncio.gather(*doomed, return_exceptions=True)
    await world.sweep()

    again = await asyncio.gather(*(world.buy(a_body(), key=key) for key in keys))

    assert {placed.order.status for placed in again} == {Status.PAID}
    assert await world.paid_charges() == MOST_STEPS
    await world.sweep()
    await world.assert_books_balance(SKU, 100_000)


async def test_a_purchase_survives_its_way_through_the_database(world: World) -> None:
    placed = await world.buy(a_body(quantity=2), key="k")

    again = await world.buy(a_body(quantity=2), key="k")

    assert again.order == placed.order
    assert again.is_replay


async def test_nothing_personal_and_no_card_is_stored_in_clear(world: World, database: Database) -> None:
    await world.buy()

    stored = repr([await database[name].find().to_list(None) for name in await database.list_collection_names()])
    for text in ("Ann", "ann@example", "Jingumae", "4242424242424242", "424242", "12/34"):
        assert text not in stored


async def test_every_order_is_published_once_it_is_paid(world: World, database: Database, broker_url: str) -> None:
    stop = asyncio.Event()
    orders = [(await world.buy()).order for _ in range(3)]

    async with open_bus(broker_url, name="orders") as bus:
        relay = Relay(database, bus, Leases(database), clock=system_clock, service="orders")
        running = asyncio.create_task(relay.run([COLLECTION], stop=stop, takes_over_after_s=0))
        events = [decode(body) for body in await _taken(broker_url, "mailer.purchases", len(orders))]
        stop.set()
        await running

    assert {event.subject for event in events} == {order.id for order in orders}
    assert all(event.read(PurchaseCompleted).total_minor == 15_600 for event in events)


async def test_without_a_broker_purchases_are_paid_and_their_events_wait(world: World, database: Database) -> None:
    stop, arrived, bus = asyncio.Event(), asyncio.Event(), MemoryBus()
    bus.is_away = True
    relay = Relay(database, bus, Leases(database), clock=world.clock, service="orders")

    async def receive(_delivery: Delivery) -> None:
        arrived.set()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(relay.run([COLLECTION], stop=stop, takes_over_after_s=0))
        placed = await world.buy(deps=replace(world.deps, relay=relay))
        waiting = await database[COLLECTION].count_documents({"outbox.at": {"$exists": True}})
        bus.is_away = False
        group.create_task(bus.consume("mailer.purchases", receive, prefetch=1, stop=stop))
        await arrived.wait()
        stop.set()

    assert placed.order.status is Status.PAID
    assert waiting == 1


async def _taken(url: str, queue: str, count: int) -> list[bytes]:
    bodies: list[bytes] = []
    async with asyncio.timeout(20), await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        source = await channel.get_queue(queue, ensure=False)
        async with source.iterator() as messages:
            async for message in messages:
                bodies.append(message.body)
                await message.ack()
                if len(bodies) == count:
                    return bodies
    return bodies
