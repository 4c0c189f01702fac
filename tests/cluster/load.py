"""The load: the kit's own way, as every service goes it, from a document with its event over the relay to a record."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from deploy.cluster.cluster import Cluster, until
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
WRITERS = 4
PAUSE_S = 0.05
ALL_IN_WITHIN_S = 120


@dataclass
class Load:
    """Orders that were confirmed, what the consumer has recorded of them, and what is there at the end."""

    database: Database
    relay: Relay
    confirmed: dict[str, float] = field(default_factory=dict)
    handled: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
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

    async def recorded(self) -> set[str]:
        """The records that a majority of the members holds."""
        with translated():
            return {row["_id"] async for row in self.database["records"].find({}, {"_id": 1})}

    async def all_in(self) -> bool:
        """Whether each order that was confirmed has its record."""
        try:
            return self.confirmed.keys() <= await self.recorded()
        except TransientError:
            return False


@asynccontextmanager
async def under_load(cluster: Cluster) -> AsyncIterator[Load]:
    """Orders go on being bought while the block runs; at its end the last one has been taken in, and none is dead."""
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
                await until(load.all_in, what="every record", patience_s=ALL_IN_WITHIN_S)
                load.kept = await load.recorded()
                assert await bus.depths([dead_queue("warranty")]) == {dead_queue("warranty"): 0}
            finally:
                enough.set()
                stop.set()
