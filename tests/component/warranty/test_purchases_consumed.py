"""From the queue to the database, on the real broker and the real database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import aio_pika
import pytest
from pydantic import SecretStr

from services.warranty.config import Settings
from services.warranty.deps import Deps, open_deps
from services.warranty.records.domain import PurchaseRecord
from services.warranty.records.mongo import ensure_purchase_indexes
from services.warranty.work import PURCHASES, build_work
from shared.broker import open_bus
from shared.bus import Bus, Delivery, Outgoing
from shared.events import Event, encode
from shared.keys import FileKeys
from shared.mongo import Database, beside
from shared.publickeys import PublicKeyFiles, write_public_key
from shared.runtime import Runtime, open_runtime
from shared.sealing import Sealer
from shared.topology import EXCHANGE, dead_queue
from shared.work import running
from tests.unit.warranty.doubles import NOON
from tests.unit.warranty.test_orders import cancelled, refunded
from tests.unit.warranty.world import World


@dataclass(frozen=True)
class Warranty:
    """The service as its process opens it, and orders' side of the broker."""

    runtime: Runtime
    deps: Deps
    bus: Bus
    orders: World

    async def announce(self, *events: Event) -> None:
        await self.bus.publish([Outgoing(EXCHANGE, event.type, encode(event), event.id) for event in events])

    async def send(self, event: Event, *, key: str) -> None:
        """Under another routing key than its type."""
        await self.bus.publish([Outgoing(EXCHANGE, key, encode(event), event.id)])

    async def send_raw(self, body: bytes) -> None:
        await self.bus.publish([Outgoing(EXCHANGE, "orders.purchase.completed.v1", body, "e-raw")])

    async def holds(self, count: int) -> None:
        await until(lambda: self.deps.purchases.count(), count)


async def until(look: Callable[[], Awaitable[int]], wanted: int) -> None:
    async with asyncio.timeout(20):
        while await look() != wanted:
            await asyncio.sleep(0.02)


@pytest.fixture
async def warranty(mongo_url: str, database: Database, broker_url: str, tmp_path: Path) -> AsyncIterator[Warranty]:
    keys = FileKeys(tmp_path / "keys")
    keys.ensure(["fields", "index", "seal"])
    write_public_key(keys, tmp_path / "public", "warranty")
    settings = Settings(
        public_url="https://localhost:8443",
        http_port=0,
        mongo_url=SecretStr(mongo_url),
        mongo_database=database.name,
        amqp_url=SecretStr(broker_url),
        key_dir=tmp_path / "keys",
        seal_keys_dir=tmp_path / "public",
        jwks_url="http://127.0.0.1:9/unused",
    )
    orders = World()
    orders.sealing.sealer = Sealer(PublicKeyFiles(tmp_path / "public"))
    await ensure_purchase_indexes(database)
    async with open_runtime(settings) as runtime, open_deps(runtime) as deps, open_bus(broker_url, name="t") as bus:
        yield Warranty(runtime, replace(deps, clock=orders.clock), bus, orders)


@asynccontextmanager
async def consuming(warranty: Warranty) -> AsyncIterator[None]:
    async with running(warranty.runtime, build_work(warranty.deps)):
        yield


async def test_every_item_of_many_orders_has_one_record(
    warranty: Warranty, database: Database, broker_url: str
) -> None:
    events = [warranty.orders.purchase(f"a-{n % 7}" if n % 3 else "", order=f"o-{n}", items=2) for n in range(100)]

    async with consuming(warranty):
        await warranty.announce(*events)
        await warranty.announce(*reversed(events))
        await warranty.holds(200)

    owned = await database["purchases"].count_documents({"owner": {"$exists": True}})
    assert owned == 2 * sum(n % 3 > 0 for n in range(100))
    assert await beside(database, f"{database.name}_keys")["data_keys"].count_documents({}) == 7 + 34, (
        "seven accounts, 34 guests"
    )
    await drained(warranty, broker_url, PURCHASES)


async def test_poison_goes_to_the_dead_letters_and_holds_nothing_up(warranty: Warranty) -> None:
    foreign = warranty.orders.purchase("a-1", order="o-2")
    foreign.data["buyer"]["mailer"] = foreign.data["buyer"].pop("warranty")

    async with consuming(warranty):
        await warranty.send_raw(b"{")
        await warranty.announce(foreign, warranty.orders.purchase("a-1"))
        await warranty.holds(1)
        dead = await _taken(warranty.bus, dead_queue("warranty"), 2)

    assert sorted(str(letter.headers["x-padlock-reason"]) for letter in dead) == ["cannot-open", "malformed-event"]
    assert [record.id for record in await _listed(warranty, "a-1")] == ["o-1-1-1"]


async def test_a_consumer_that_is_cut_off_midway_loses_nothing(warranty: Warranty, broker_url: str) -> None:
    events = [warranty.orders.purchase("a-1", order=f"o-{n}") for n in range(300)]
    await warranty.announce(*events)

    for cut_at in (40, 120):
        await _consume_until_cut(warranty, cut_at)
    async with consuming(warranty):
        await warranty.holds(300)

    await drained(warranty, broker_url, PURCHASES)
    assert await depth_of(dead_queue("warranty"), broker_url) == 0


async def test_records_of_equal_accounts_share_a_key_and_no_byte_in_clear(
    warranty: Warranty, database: Database
) -> None:
    async with consuming(warranty):
        await warranty.announce(*(warranty.orders.purchase("account-9", order=f"o-{n}") for n in range(3)))
        await warranty.holds(3)

    documents = await database["purchases"].find().to_list(None)
    assert len({document["owner_key"] for document in documents}) == 1
    assert len({document["owner"] for document in documents}) == 3
    assert not any("account-9" in repr(document) for document in documents)


async def test_what_happens_to_orders_reaches_their_records_before_or_after_the_purchase(
    warranty: Warranty, database: Database, broker_url: str
) -> None:
    early, late = warranty.orders.purchase("a-1", order="o-1"), warranty.orders.purchase("a-1", order="o-2")

    async with consuming(warranty):
        await warranty.announce(late, cancelled("o-1"), refunded(200, order="o-1"), refunded(100, order="o-1"))
        await until(lambda: database["order_facts"].count_documents({"cancelled_at": NOON, "refunded_minor": 200}), 1)
        await warranty.announce(early, cancelled("o-2"), cancelled("o-1"))
        await until(lambda: database["order_facts"].count_documents({"cancelled_at": NOON}), 2)
        await warranty.holds(2)

    told = {r.order_id: (r.cancelled_at, r.order_refunded_minor) for r in await _listed(warranty, "a-1")}
    assert told == {"o-1": (NOON, 200), "o-2": (NOON, 0)}
    assert await depth_of(dead_queue("warranty"), broker_url) == 0


async def _consume_until_cut(warranty: Warranty, records: int) -> None:
    """As `kill -9` does: no settlement of what is in flight, for the task is cancelled, not stopped."""
    task = asyncio.create_task(_consume_for_ever(warranty))
    async with asyncio.timeout(20):
        while await warranty.deps.purchases.count() < records:
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})


async def _consume_for_ever(warranty: Warranty) -> None:
    async with consuming(warranty):
        await asyncio.Event().wait()


async def depth_of(queue: str, broker_url: str) -> int:
    """Messages in a queue, asked on a fresh connection."""
    async with await aio_pika.connect(broker_url) as connection:
        channel = await connection.channel()
        declared = await channel.declare_queue(queue, passive=True)
        return declared.declaration_result.message_count or 0


async def drained(warranty: Warranty, broker_url: str, *queues: str) -> None:
    """Consume until nothing is left in the queues: consumers that stop give back what they have not settled."""
    for queue in queues:
        async with asyncio.timeout(20):
            while await depth_of(queue, broker_url):
                async with consuming(warranty):
                    await until(partial(depth_of, queue, broker_url), 0)


async def _listed(warranty: Warranty, account: str) -> list[PurchaseRecord]:
    key = warranty.deps.index.of("account", account)
    return await warranty.deps.purchases.of_owner(key, limit=100)


async def _taken(bus: Bus, queue: str, count: int) -> list[Delivery]:
    """The first `count` deliveries of a queue."""
    stop, taken = asyncio.Event(), list[Delivery]()

    async def take(delivery: Delivery) -> None:
        taken.append(delivery)
        if len(taken) >= count:
            stop.set()

    async with asyncio.timeout(20):
        await bus.consume(queue, take, prefetch=count, stop=stop)
    return taken
