"""`make cluster`: a replica set and a broker of three machines each, broken under load; nothing confirmed is lost.

The load is the kit's own way, as every service goes it: a document with its event in one write, the relay, a queue, an
idempotent consumer.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

import pytest

from deploy.cluster.cluster import Cluster, running, until
from shared.broker import open_bus
from shared.clock import system_clock
from shared.consumer import Consumer
from shared.errors import TransientError
from shared.events import Event
from shared.ids import new_id
from shared.leases import Leases
from shared.mongo import Database, DuplicateKey, ensure_indexes, open_database, translated
from shared.outbox import FIELD, INDEX, Relay, pending
from shared.topology import dead_queue

TYPE, QUEUE = "orders.purchase.completed.v1", "warranty.purchases"
BACK_WITHIN_S = 30
WRITERS = 4
PAUSE_S = 0.05


@dataclass
class Load:
    """Orders that were confirmed, and the records that the consumer has made of them."""

    database: Database
    relay: Relay
    confirmed: dict[str, float] = field(default_factory=dict)
    handled: set[str] = field(default_factory=set)
    tries: int = 0

    async def write(self, stop: asyncio.Event) -> None:
        """Buy, one after the other; what the database could not confirm is asked again under the same key."""
        while not stop.is_set():
            key = new_id()
            event = Event(new_id(), TYPE, "orders", key, system_clock(), {})
            while not await self._stored(key, event):
                await asyncio.sleep(0.2)
            self.confirmed[key] = time.monotonic()
            self.relay.announce("orders", key, [event])
            await asyncio.sleep(PAUSE_S)

    async def _stored(self, key: str, event: Event) -> bool:
        self.tries += 1
        try:
            with translated():
                await self.database["orders"].insert_one({"_id": key, FIELD: pending([event])})
        except TransientError:
            return False
        except DuplicateKey:
            return True
        return True

    async def record(self, event: Event) -> None:
        """As warranty does: the second time changes nothing."""
        with suppress(DuplicateKey), translated():
            await self.database["records"].insert_one({"_id": event.subject})
        self.handled.add(event.subject)

    async def flows(self, since: float) -> bool:
        """Whether an order that was confirmed after that moment has its record."""
        return any(at > since and key in self.handled for key, at in list(self.confirmed.items()))


@asynccontextmanager
async def under_load(cluster: Cluster) -> AsyncIterator[Load]:
    """Orders go on being bought while the block runs; at its end the last one has been taken in."""
    async with (
        open_database(cluster.mongo_url, "rehearsal") as database,
        open_bus(cluster.amqp_url, name="orders") as bus,
    ):
        await ensure_indexes(database["orders"], [INDEX])
        relay = Relay(database, bus, Leases(database), clock=system_clock, service="orders")
        load, stop, enough = Load(database, relay), asyncio.Event(), asyncio.Event()
        consumer = Consumer(bus, QUEUE, {TYPE: load.record}, clock=system_clock)
        async with asyncio.TaskGroup() as group:
            group.create_task(relay.run(["orders"], stop=stop, takes_over_after_s=5))
            group.create_task(bus.consume(QUEUE, consumer.receive, prefetch=100, stop=stop))
            writers = [group.create_task(load.write(enough)) for _ in range(WRITERS)]
            try:
                await until(partial(load.flows, 0), what="first record")
                yield load
                enough.set()
                await asyncio.gather(*writers)
                await until(partial(_all_in, load), what="every record", patience_s=120)
                assert await bus.depths([dead_queue("warranty")]) == {dead_queue("warranty"): 0}
            finally:
                enough.set()
                stop.set()


async def _all_in(load: Load) -> bool:
    with translated():
        return bool(await load.database["records"].count_documents({}) >= len(load.confirmed))


async def _kill_primary(cluster: Cluster) -> Callable[[], Awaitable[None]]:
    machine = await cluster.primary()
    machine.kill("mongod")

    async def mend() -> None:
        machine.start_mongod()

    return mend


async def _kill_leader(cluster: Cluster) -> Callable[[], Awaitable[None]]:
    machine = await cluster.leader(QUEUE)
    machine.kill("rabbitmq")

    async def mend() -> None:
        machine.start_rabbitmq()

    return mend


async def _cut_off_primary(cluster: Cluster) -> Callable[[], Awaitable[None]]:
    machine = await cluster.primary()
    machine.host.cut_off()

    async def mend() -> None:
        machine.host.connect()

    return mend


DAMAGES = {
    "database's leader killed": _kill_primary,
    "queue's leader killed": _kill_leader,
    "machine of the database's leader cut off": _cut_off_primary,
}


# The driver leaves the socket of a connection that it was opening to a machine that is cut off.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_nothing_confirmed_is_lost_and_all_is_back_within_30_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    async with running() as cluster, under_load(cluster) as load:
        for name, damage in DAMAGES.items():
            before = len(load.confirmed)
            mend = await damage(cluster)
            moment = time.monotonic()
            back_s = await until(partial(load.flows, moment), what=name, patience_s=BACK_WITHIN_S * 3)
            told.append(f"{name}: back after {back_s:.1f} s")
            with capsys.disabled():
                print(f"\n  {told[-1]}; {len(load.confirmed)} confirmed so far", flush=True)
            assert back_s < BACK_WITHIN_S, told
            await mend()
            await until(cluster.is_whole, what=f"{name}: mended")
            await until(partial(load.flows, time.monotonic()), what=f"{name}: goes on")
            assert len(load.confirmed) > before
    lost = load.confirmed.keys() - load.handled
    with capsys.disabled():
        print(f"  {len(load.confirmed)} confirmed in {load.tries} tries, {len(lost)} lost", flush=True)

    assert lost == set()
