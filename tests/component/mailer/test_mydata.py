"""What auth asks about persons, on the real broker and the real database."""

import asyncio
import dataclasses
from contextlib import asynccontextmanager

import pytest

from services.mailer.deps import ensure_all_indexes
from services.mailer.mydata.forgotten import MongoForgotten
from services.mailer.mydata.holdings import PERSONS, person_handlers
from services.mailer.notices.mongo import MongoNotices
from services.mailer.subscriptions.mongo import MongoSubscribers
from services.mailer.testing.harness import Shop, settings_for
from services.mailer.testing.sink import running_sink
from shared.answers import COLLECTION, MongoAnswers
from shared.broker import open_bus
from shared.bus import Outgoing
from shared.clock import system_clock
from shared.consumer import Consumer
from shared.contracts.mailer import PersonErased, PersonExported
from shared.datakeys import MongoDataKeys
from shared.events import decode, encode
from shared.leases import Leases
from shared.outbox import Relay
from shared.personal import PersonalFields
from shared.testing.persons import EMAIL, AskingAuth, told
from shared.topology import EXCHANGE


@pytest.fixture
async def shop(database):
    await ensure_all_indexes(database)
    async with running_sink() as sink:
        shop = Shop(settings_for(sink.port), sink)
        shop.data_keys = MongoDataKeys(database)
        shop.subscribers = MongoSubscribers(database)
        shop.notices = MongoNotices(database)
        shop.forgotten = MongoForgotten(database)
        shop.people = PersonalFields(shop.keys, shop.data_keys, purposes=shop.settings.purposes)
        yield shop
        await shop.pool.close()


@asynccontextmanager
async def working(shop, database, broker_url):
    """The consumer and the relay, as `work` runs them; cancelled at the end, as `kill -9` would."""
    async with open_bus(broker_url, name="mailer") as bus:
        relay = Relay(database, bus, Leases(database), clock=system_clock, service="mailer")
        deps = dataclasses.replace(shop.deps(), answers=MongoAnswers(database, relay))
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


async def publish(bus, *events):
    await bus.publish([Outgoing(EXCHANGE, event.type, encode(event), event.id, type=event.type) for event in events])


async def answer(bus, contract):
    """What auth is told, once or twice; other answers are let go."""
    stop, taken = asyncio.Event(), []

    async def take(delivery):
        event = decode(delivery.body)
        if event.type == contract.TYPE:
            taken.append(event)
            stop.set()

    async with asyncio.timeout(20):
        await bus.consume("auth.persons", take, prefetch=10, stop=stop)
    assert len({event.id for event in taken}) == 1
    return taken[0]


async def test_a_copy_and_an_erasure_twice_each_are_answered_once(shop, database, broker_url):
    await shop.subscriber(EMAIL)
    auth = AskingAuth(shop.sealing)

    async with working(shop, database, broker_url) as bus:
        await publish(bus, auth.export(), auth.export())
        copy = await answer(bus, PersonExported)
        await publish(bus, auth.erasure(), auth.erasure())
        receipt = await answer(bus, PersonErased)

    assert auth.collected(copy, PersonExported)["subscription"][0]["email"] == EMAIL
    assert told(receipt, PersonErased)["erased"] == {"subscription": 1, "name-and-address": 1}
    [subscriber] = await database["subscribers"].find().to_list(None)
    assert (subscriber["state"], "email" in subscriber, "name" in subscriber) == ("unsubscribed", False, False)
    assert await database["data_keys"].count_documents({"box": {"$exists": True}}) == 0
    assert await database[COLLECTION].count_documents({"answered": True}) == 2


async def test_a_worker_killed_midway_answers_what_it_counted_at_first(shop, database, broker_url):
    await shop.subscriber(EMAIL)
    auth = AskingAuth(shop.sealing)
    async with working(shop, database, broker_url) as bus:
        await publish(bus, auth.erasure())
        async with asyncio.timeout(20):
            while not await database[COLLECTION].count_documents({}):
                await asyncio.sleep(0)

    async with working(shop, database, broker_url) as bus:
        receipt = await answer(bus, PersonErased)

    assert told(receipt, PersonErased)["erased"] == {"subscription": 1, "name-and-address": 1}
    assert await database["subscribers"].count_documents({"email": {"$exists": True}}) == 0


async def test_a_copy_that_comes_after_the_erasure_names_nobody(shop, database, broker_url):
    await shop.subscriber(EMAIL)
    auth = AskingAuth(shop.sealing)

    async with working(shop, database, broker_url) as bus:
        await publish(bus, auth.erasure())
        await answer(bus, PersonErased)
        await publish(bus, auth.export())
        copy = await answer(bus, PersonExported)

    assert EMAIL not in repr(auth.collected(copy, PersonExported))
