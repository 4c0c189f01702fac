"""Events leave with the write that causes them: embedded in the document, published by the relay, then removed.

A document that changes carries its events in the field `outbox`, in the same single-document write. The process that
wrote hands them to its relay at once. What no relay took (the process died, the broker was away) is found through a
partial index on *documents with pending events*, never by a last-seen id or time, and published by whoever holds the
lease. A crash between the confirm and the removal means twice, never zero times: consumers are idempotent.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from shared import metrics, spans
from shared.bus import Bus, Outgoing
from shared.clock import Clock
from shared.errors import TransientError
from shared.events import Event, decode, encode
from shared.leases import Leases
from shared.mongo import QUICK, Database, Document, Index, bulk_write, translated, update
from shared.topology import EXCHANGE
from shared.trace import continue_trace

log = structlog.get_logger(__name__)

FIELD = "outbox"
INDEX = Index("outbox_pending", [(f"{FIELD}.at", 1)], partial={f"{FIELD}.at": {"$exists": True}})
"""Every collection whose documents carry events has this index; it holds only the documents with pending ones."""

BATCH = 500
COUNTED_MAX = 10_000
_WAITING = {f"{FIELD}.at": {"$exists": True}}
HANDED_OVER_MAX = 5_000
SENT_AT_ONCE = 2
"""Batches that wait for the broker at once: an event leaves with the next turn of the loop, or with its neighbours."""
REMOVED_AFTER_S = 0.1
"""What the broker has confirmed gathers so long, then leaves its documents in one command: small ones cost more."""
POLL_S = 1.0
LEFT_BEHIND_S = 5.0
"""An event that its own process has not published after this time is taken over by the poll."""


def pending(events: Sequence[Event]) -> list[Document]:
    """What to store in the field `outbox` of the document that these events belong to."""
    return [
        {"id": event.id, "type": event.type, "at": event.time, "body": encode(event)} for event in events
    ]  # fmt: skip


class Announcer(Protocol):
    """What a use case needs of the relay."""

    def announce(self, collection: str, document_id: str, events: Sequence[Event]) -> None:
        """Take over the events that have just been stored with a document.

        Never waits and never fails: what is not taken over is found in the database.
        """


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in documents to be published: how many documents, up to a limit, and since when the oldest event."""

    documents: int = 0
    oldest_at: datetime | None = None


async def backlog(database: Database, collections: Sequence[str]) -> Backlog:
    """What waits in these collections now. Counts no further than `COUNTED_MAX` in each."""
    documents, oldest = 0, list[datetime]()
    for name in collections:
        with translated():
            documents += int(await database[name].count_documents(_WAITING, limit=COUNTED_MAX))
            first = await database[name].find_one(_WAITING, {f"{FIELD}.at": 1}, sort=[(f"{FIELD}.at", 1)])
        if first is not None:
            oldest += [row["at"] for row in first[FIELD]]
    return Backlog(documents, min(oldest, default=None))


@dataclass(frozen=True, slots=True)
class _Stored:
    """One pending event and the document that carries it."""

    collection: str
    document_id: Any
    row: Mapping[str, Any]

    def outgoing(self) -> Outgoing:
        return Outgoing(EXCHANGE, self.row["type"], self.row["body"], self.row["id"], type=self.row["type"])


class Relay:
    """Publishes pending events of some collections of one database."""

    def __init__(self, database: Database, bus: Bus, leases: Leases, *, clock: Clock, service: str) -> None:
        self._database = database
        self._bus = bus
        self._leases = leases
        self._clock = clock
        self._service = service
        self._handed: list[_Stored] = []
        self._wake = asyncio.Event()
        self._sending = 0
        self._told: list[_Stored] = []
        self._removing: asyncio.Task[None] | None = None
        self._is_running = False

    def announce(self, collection: str, document_id: str, events: Sequence[Event]) -> None:
        """See `Announcer`. A process that does not run the relay leaves the events to one that does."""
        if self._is_running and len(self._handed) < HANDED_OVER_MAX:
            self._handed += [_Stored(collection, document_id, row) for row in pending(events)]
            self._wake.set()

    async def run(self, collections: Sequence[str], *, stop: asyncio.Event, takes_over_after_s: float) -> None:
        """Publish until `stop` is set, then once more what was handed over.

        `takes_over_after_s`: how old a pending event must be before the poll takes it; 0 where no process that
        writes runs a relay of its own.
        """
        self._is_running = True
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._publish_handed(stop))
                group.create_task(self._poll(collections, stop, timedelta(seconds=takes_over_after_s)))
        finally:
            self._is_running = False

    async def _publish_handed(self, stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._wake.set())
        async with asyncio.TaskGroup() as tasks:
            while not (stop.is_set() and not self._handed):
                await self._wake.wait()
                self._wake.clear()
                while self._handed and self._sending < SENT_AT_ONCE:
                    batch, self._handed = self._handed[:BATCH], self._handed[BATCH:]
                    self._sending += 1
                    tasks.create_task(self._publish(batch, tasks))

    async def _publish(self, batch: Sequence[_Stored], tasks: asyncio.TaskGroup) -> None:
        """Send a batch; what the broker has is removed soon, together with others."""
        try:
            await self._send(batch)
        except TransientError as error:
            log.warning("events left to the poll", count=len(batch), error=str(error))
        else:
            self._told += batch
            if self._removing is None or self._removing.done():
                self._removing = tasks.create_task(self._remove_told())
        finally:
            self._sending -= 1
            self._wake.set()

    async def _remove_told(self) -> None:
        while self._told:
            await asyncio.sleep(REMOVED_AFTER_S)
            told, self._told = self._told, []
            try:
                await self._remove(told, self._database.with_options(write_concern=QUICK))
            except TransientError as error:
                log.warning("events left to the poll", count=len(told), error=str(error))

    async def _poll(self, collections: Sequence[str], stop: asyncio.Event, age: timedelta) -> None:
        while not stop.is_set():
            try:
                async with self._leases.hold(f"{self._service}.relay") as fence:
                    while fence is not None and not stop.is_set():
                        await self._sweep(collections, self._clock() - age)
                        await _pause(stop, POLL_S)
            except TransientError as error:
                log.warning("relay waits", error=str(error))
            await _pause(stop, POLL_S)

    async def _sweep(self, collections: Sequence[str], before: datetime) -> None:
        for name in collections:
            while stored := await self._left_behind(name, before):
                await self._send(stored)
                # Removed by a majority before it is looked again: what only one has removed would be told once more.
                await self._remove(stored, self._database)

    async def _left_behind(self, name: str, before: datetime) -> list[_Stored]:
        old = {f"{FIELD}.at": {"$lte": before}}
        with translated():
            found = await self._database[name].find(old, {FIELD: 1}).limit(BATCH).to_list(None)
        return [_Stored(name, document["_id"], row) for document in found for row in document[FIELD]]

    async def _send(self, batch: Sequence[_Stored]) -> None:
        began = spans.now()
        await self._bus.publish([stored.outgoing() for stored in batch])
        metrics.EVENTS_PUBLISHED.inc(len(batch))
        if began:
            _trace(batch, began)

    async def _remove(self, batch: Sequence[_Stored], database: Database) -> None:
        for name in {stored.collection for stored in batch}:
            await bulk_write(database[name], _removals([stored for stored in batch if stored.collection == name]))


def _trace(published: Sequence[_Stored], began: int) -> None:
    """A span for each event beside those of its consumers: how long the broker took, under whoever caused it."""
    for stored in published:
        caused_by = decode(stored.row["body"]).traceparent
        told = {"messaging.system": "rabbitmq", "messaging.destination.name": EXCHANGE,
                "messaging.operation.type": "send", "padlock.event.type": stored.row["type"]}  # fmt: skip
        if caused_by:
            spans.record(f"send {stored.row['type']}", spans.Kind.PRODUCER, continue_trace(caused_by),
                         received=caused_by, began=began, attributes=told)  # fmt: skip


def _removals(published: Sequence[_Stored]) -> list[Any]:
    ids: dict[Any, list[str]] = {}
    for stored in published:
        ids.setdefault(stored.document_id, []).append(stored.row["id"])
    return [update({"_id": key}, {"$pull": {FIELD: {"id": {"$in": rows}}}}) for key, rows in ids.items()]


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
