"""The outbox on the real database, against a model: whatever becomes of relays and broker, what was written is told.

Documents are written with events, handed to a relay or not; relays run while the broker works, is away, takes a batch
and does not confirm it, or while they are killed between the confirm and the removal.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from enum import Enum

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from shared.bus import Outgoing
from shared.clock import system_clock
from shared.errors import TransientError
from shared.events import Event
from shared.leases import Leases
from shared.mongo import Database, ensure_indexes
from shared.outbox import FIELD, INDEX, Relay, pending
from shared.testing.bus import MemoryBus
from shared.testing.suites.bus import an_event
from tests.machines import Machine, play_on_database

DOCUMENTS = ["o-1", "o-2", "o-3"]


class Fate(Enum):
    """What happens to a batch."""

    CONFIRMED = "published and removed"
    AWAY = "the broker takes nothing"
    UNCONFIRMED = "the broker takes it, and the confirm is lost"
    KILLED = "the relay dies when it has the confirm"


class FatefulBus(MemoryBus):
    """Does to each batch what is its fate, and remembers what it took."""

    def __init__(self, fate: Fate, taken: Counter[str]) -> None:
        super().__init__()
        self.fate, self.taken, self.is_over = fate, taken, asyncio.Event()

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        if self.fate is not Fate.AWAY:
            self.taken.update(message.message_id for message in messages)
        if self.fate is Fate.CONFIRMED:
            return
        self.is_over.set()
        if self.fate is Fate.KILLED:
            await asyncio.Event().wait()  # until it is cancelled: nothing behind this line is done any more
        raise TransientError("no confirm")


class OutboxMachine(Machine):
    """The world is an empty database."""

    @initialize()
    def nothing_written(self) -> None:
        self.database: Database = self.world
        self.written: dict[str, str] = {}
        self.taken: Counter[str] = Counter()
        self.handed: list[tuple[str, list[Event]]] = []
        self.unsure: Counter[str] = Counter()

    @rule(document=st.sampled_from(DOCUMENTS), count=st.integers(1, 3), is_handed_over=st.booleans())
    def write(self, document: str, count: int, is_handed_over: bool) -> None:
        ids = [f"e-{len(self.written) + n}" for n in range(count)]
        events = [_now(an_event(each)) for each in ids]
        self.wait_for(self._write(document, events))
        self.written |= dict.fromkeys(ids, document)
        if is_handed_over:
            self.handed.append((document, events))

    async def _write(self, document: str, events: list[Event]) -> None:
        push = {"$push": {FIELD: {"$each": pending(events)}}}
        await self.database["orders"].update_one({"_id": document}, push, upsert=True)

    @rule(fate=st.sampled_from(Fate))
    def relay(self, fate: Fate) -> None:
        waiting = self.wait_for(self.waiting())
        if not waiting and not self.handed:
            return
        before = Counter(self.taken)
        self.unsure.update(event.id for _, events in self.handed for event in events)  # the poll may be as quick
        self.wait_for(self._relay(fate))
        if fate in (Fate.UNCONFIRMED, Fate.KILLED):
            self.unsure.update(self.taken - before)
        if fate is Fate.CONFIRMED:
            assert self.wait_for(self.waiting()) == set()

    async def _relay(self, fate: Fate) -> None:
        bus, stop = FatefulBus(fate, self.taken), asyncio.Event()
        relay = Relay(self.database, bus, Leases(self.database), clock=system_clock, service="orders")
        running = asyncio.create_task(relay.run(["orders"], stop=stop, takes_over_after_s=0))
        await asyncio.sleep(0)
        for document, events in self.handed:
            relay.announce("orders", document, events)
        self.handed = []
        async with asyncio.timeout(15):
            if fate is Fate.CONFIRMED:
                while await self.waiting():
                    await asyncio.sleep(0.005)
            else:
                await bus.is_over.wait()
        if fate is Fate.KILLED:
            running.cancel()
        stop.set()
        await asyncio.gather(running, return_exceptions=True)

    async def waiting(self) -> set[str]:
        documents = await self.database["orders"].find({}, {FIELD: 1}).to_list(None)
        return {row["id"] for document in documents for row in document[FIELD]}

    @invariant()
    def what_was_written_waits_or_was_told(self) -> None:
        if hasattr(self, "written"):
            assert self.wait_for(self.waiting()) | self.taken.keys() == self.written.keys()

    @invariant()
    def nothing_is_told_again_but_what_nobody_could_know_of(self) -> None:
        if hasattr(self, "written"):
            again = {each: count - 1 for each, count in self.taken.items() if count > 1}
            assert all(count <= self.unsure[each] * 2 for each, count in again.items())


def _now(event: Event) -> Event:
    return Event(event.id, event.type, event.source, event.subject, system_clock(), event.data)


async def test_the_outbox_tells_all_that_was_written(database: Database) -> None:
    await ensure_indexes(database["orders"], [INDEX])

    async def empty() -> Database:
        await database["orders"].delete_many({})
        return database

    await play_on_database(OutboxMachine, empty, runs=10, steps=20)
