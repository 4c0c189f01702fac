"""What auth asks about persons, on the real broker and the real database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson
import pytest

from services.orders.catalogue.mongo import MongoProducts
from services.orders.checkout.place import Purchase, place_order
from services.orders.checkout.requests import CheckoutRequest
from services.orders.life.mongo import MongoOrders
from services.orders.mydata.holdings import PERSONS, person_handlers
from services.orders.payments.mongo import MongoLedger
from services.orders.profile.mongo import MongoProfiles
from services.orders.service import ensure_order_indexes
from services.orders.stock.mongo import MongoStock
from shared.answers import COLLECTION, MongoAnswers
from shared.broker import open_bus
from shared.bus import Bus, Delivery, Outgoing
from shared.clock import system_clock
from shared.consumer import Consumer
from shared.contracts.orders import PersonErased, PersonExported
from shared.datakeys import MongoDataKeys
from shared.events import Contract, Event, decode, encode
from shared.leases import Leases
from shared.mongo import Database
from shared.outbox import Relay
from shared.testing.persons import AskingAuth, told
from shared.topology import EXCHANGE
from tests.unit.orders.world import PATIENT, Stores, World, a_body, a_world


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    await ensure_order_indexes(database)
    stores = Stores(
        stock=MongoStock(database),
        orders=MongoOrders(database),
        ledger=MongoLedger(database),
        profiles=MongoProfiles(database),
        data_keys=MongoDataKeys(database),
        products=MongoProducts(database),
    )
    async with a_world(stores, settings=PATIENT) as opened:
        yield opened


@asynccontextmanager
async def working(world: World, database: Database, broker_url: str) -> AsyncIterator[Bus]:
    """The consumer and the relay, as `work` runs them; cancelled at the end, as `kill -9` would."""
    async with open_bus(broker_url, name="orders") as bus:
        relay = Relay(database, bus, Leases(database), clock=system_clock, service="orders")
        deps = replace(world.deps, answers=MongoAnswers(database, relay))
        consumer = Consumer(bus, PERSONS, person_handlers(deps), clock=system_clock)
        stop = asyncio.Event()
        tasks = [
            asyncio.create_task(bus.consume(PERSONS, consumer.receive, prefetch=20, stop=stop)),
            asyncio.create_task(relay.run([COLLECTION], stop=stop, takes_over_after_s=0)),
        ]
        try:
            yield bus
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def buy(world: World, account: str, key: str) -> None:
    request = CheckoutRequest.model_validate_json(orjson.dumps(a_body()), strict=True)
    patient = replace(world.deps, settings=world.deps.settings.model_copy(update={"payment_timeout_s": 5}))
    await place_order(patient, Purchase(request, key, account, "en"))


async def publish(bus: Bus, *events: Event) -> None:
    await bus.publish([Outgoing(EXCHANGE, event.type, encode(event), event.id, type=event.type) for event in events])


async def answer(bus: Bus, contract: type[Contract]) -> Event:
    """What auth is told, once or twice; other answers are let go."""
    stop, taken = asyncio.Event(), list[Event]()

    async def take(delivery: Delivery) -> None:
        event = decode(delivery.body)
        if event.type == contract.TYPE:
            taken.append(event)
            stop.set()

    async with asyncio.timeout(20):
        await bus.consume("auth.persons", take, prefetch=10, stop=stop)
    assert len({event.id for event in taken}) == 1
    return taken[0]


async def test_a_copy_and_an_erasure_twice_each_are_answered_once(
    world: World, database: Database, broker_url: str
) -> None:
    auth = AskingAuth(world.sealing)
    for n in range(3):
        await buy(world, "a-1", f"k-{n}")

    async with working(world, database, broker_url) as bus:
        await publish(bus, auth.export(), auth.export())
        copy = await answer(bus, PersonExported)
        await publish(bus, auth.erasure(), auth.erasure())
        receipt = await answer(bus, PersonErased)

    assert len(auth.collected(copy, PersonExported)["orders"]) == 3
    assert told(receipt, PersonErased)["kept"] == {"purchase-facts": 3}
    assert await database["data_keys"].count_documents({"box": {"$exists": True}}) == 0
    assert await database[COLLECTION].count_documents({"answered": True}) == 2
    await world.sweep()
    await world.assert_books_balance("TF-KISAI-01", 100_000)


async def test_a_worker_killed_midway_answers_what_it_counted_at_first(
    world: World, database: Database, broker_url: str
) -> None:
    auth = AskingAuth(world.sealing)
    await buy(world, "a-1", "k")
    async with working(world, database, broker_url) as bus:
        await publish(bus, auth.erasure())
        async with asyncio.timeout(20):
            while not await database[COLLECTION].count_documents({}):
                await asyncio.sleep(0)

    async with working(world, database, broker_url) as bus:
        receipt = await answer(bus, PersonErased)

    assert told(receipt, PersonErased)["erased"] == {"contacts": 1, "addresses": 1, "cards": 1}
    assert await database["data_keys"].count_documents({"box": {"$exists": True}}) == 0


async def test_a_copy_that_comes_after_the_erasure_names_nobody(
    world: World, database: Database, broker_url: str
) -> None:
    auth = AskingAuth(world.sealing)
    await buy(world, "a-1", "k")

    async with working(world, database, broker_url) as bus:
        await publish(bus, auth.erasure())
        await answer(bus, PersonErased)
        await publish(bus, auth.export())
        copy = await answer(bus, PersonExported)

    [order] = auth.collected(copy, PersonExported)["orders"]
    assert order.keys() & {"contact", "shipping", "card"} == set()
