"""From the broker to the mail server, and from a write to the broker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.mailer.deps import ensure_all_indexes, open_relay
from services.mailer.notices.mongo import MongoNotices
from services.mailer.notices.post import Post
from services.mailer.sending.mongo import MongoRuns
from services.mailer.smtp.limits import Limits
from services.mailer.testing.harness import read_mail, settings_for
from services.mailer.testing.memory_campaigns import MemoryCampaigns
from services.mailer.testing.sink import CUT, running_sink
from services.mailer.work import PURCHASES, send_receipt
from shared.broker import open_bus
from shared.bus import Outgoing
from shared.clock import system_clock
from shared.consumer import Consumer
from shared.contracts.orders import Buyer, PurchaseCompleted
from shared.datakeys import MongoDataKeys
from shared.events import Event, encode
from shared.ids import new_id
from shared.mongo import beside
from shared.testing.keys import MemoryKeys
from shared.testing.sealing import MemorySealing
from shared.topology import EXCHANGE


class Desk:
    """As much of `Deps` as the receipt's handler touches."""

    def __init__(self, post, unsealer) -> None:
        self.post = post
        self.unsealer = unsealer
        self.campaigns = MemoryCampaigns()


def paid(sealing, number: int) -> Event:
    event_id = new_id()
    buyer = Buyer(name="Ann", email=f"buyer-{number}@example.org", order_link="https://shop.example/orders/x")
    sealed = sealing.sealer.seal_for(
        {"mailer": buyer}, event_type=PurchaseCompleted.TYPE, event_id=event_id, field="buyer"
    )
    contract = PurchaseCompleted.model_validate(
        {
            "order_id": f"o-{number}",
            "number": f"NUM-{number}",
            "purchased_at": system_clock(),
            "currency": "JPY",
            "items": [],
            "total_minor": 100,
            "buyer": sealed,
        }
    )
    return Event.of(contract, id=event_id, subject=f"o-{number}", at=system_clock())


def message(event: Event) -> Outgoing:
    return Outgoing(EXCHANGE, event.type, encode(event), event.id, type=event.type)


@asynccontextmanager
async def working(database, broker_url, sink, sealing, keys) -> AsyncIterator[Post]:
    settings = settings_for(sink.port, notice_pause_s=0.1)
    stop = asyncio.Event()
    async with (
        open_bus(broker_url, name="test") as bus,
        open_relay(settings, system_clock, Limits(), stream="notices") as pool,
    ):
        notices, runs = MongoNotices(database), MongoRuns(database)
        data_keys = MongoDataKeys(beside(database, f"{database.name}_keys"))
        post = Post(settings, system_clock, keys, data_keys, notices=notices, runs=runs, relay=pool)
        desk = Desk(post, sealing.unsealer("mailer"))

        async def receive(event: Event) -> None:
            await send_receipt(desk, event)

        async def polling() -> None:
            while not stop.is_set():
                await post.poll()
                try:
                    await asyncio.wait_for(stop.wait(), 0.1)
                except TimeoutError:
                    continue

        consumer = Consumer(bus, PURCHASES, {PurchaseCompleted.TYPE: receive}, clock=system_clock)
        async with asyncio.TaskGroup() as group:
            group.create_task(bus.consume(PURCHASES, consumer.receive, prefetch=50, stop=stop))
            group.create_task(post.run(stop))
            group.create_task(polling())
            try:
                yield post
            finally:
                stop.set()


@pytest.fixture
async def ready(database):
    await ensure_all_indexes(database)
    return database


async def test_each_paid_order_brings_one_receipt_however_often_it_is_published(ready, broker_url):
    sealing, keys = MemorySealing("mailer"), MemoryKeys()
    events = [paid(sealing, number) for number in range(40)]
    async with (
        asyncio.timeout(30),
        running_sink() as sink,
        open_bus(broker_url, name="orders") as bus,
        working(ready, broker_url, sink, sealing, keys),
    ):
        await bus.publish([message(event) for event in events])
        await bus.publish([message(event) for event in reversed(events)])
        await sink.wait_for(40)

    assert len(sink.accepted) == 40
    assert set(sink.accepted.values()) == {1}


async def test_a_reply_lost_behind_the_dot_brings_the_same_message_id_once_more(ready, broker_url):
    sealing, keys = MemorySealing("mailer"), MemoryKeys()
    lost = set()

    def lose_the_first(stage, recipient):
        if stage == "dot" and recipient not in lost:
            lost.add(recipient)
            return CUT
        return None

    async with (
        asyncio.timeout(30),
        running_sink(lose_the_first) as sink,
        open_bus(broker_url, name="orders") as bus,
        working(ready, broker_url, sink, sealing, keys),
    ):
        await bus.publish([message(paid(sealing, number)) for number in range(5)])
        await sink.wait_for(10)

    assert set(sink.accepted.values()) == {2}
    ids = {(recipient, read_mail(copy)["Message-ID"]) for recipient, copy in sink.messages}
    assert len(ids) == 5


async def test_nothing_personal_lies_in_the_database_in_clear(ready, broker_url):
    sealing, keys = MemorySealing("mailer"), MemoryKeys()
    async with (
        asyncio.timeout(30),
        running_sink(lambda stage, recipient: b"451 later" if stage == "rcpt" else None) as sink,
        open_bus(broker_url, name="orders") as bus,
    ):
        async with working(ready, broker_url, sink, sealing, keys):
            await bus.publish([message(paid(sealing, 1))])
            await sink.wait_begun(1)
        documents = [
            document
            for name in await ready.list_collection_names()
            for document in await ready[name].find().to_list(None)
        ]

    assert any(document["_id"] == "receipt:o-1" for document in documents)
    assert "buyer-1" not in str(documents)
    assert "Ann" not in str(documents)
