"""Takes notes from the documents that carry them to the chains of their accounts, then out of the documents.

A crash between the two means that a note is told twice, never zero times: the chain knows it by its key.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.auth.behind import beside
from services.auth.trail.pending import FIELD, Noted, read_pending
from services.auth.trail.store import Trail
from shared.clock import Clock
from shared.errors import TransientError
from shared.mongo import QUICK, Database, translated

log = structlog.get_logger()

EVERY_S = 2.0
LEFT_BEHIND = timedelta(seconds=5)
"""A note that its own process has not appended after this time is taken over by the sweep."""
HANDED_MOST = 5_000
SETTLED_WITHIN_S = 5.0
PACE_S = 0.5
"""How long notes are gathered before they are appended, unless somebody waits for them. Under a load of logins each
then costs half of what it did with 0.2."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _Carried:
    """A document and the notes that it carries."""

    collection: str
    document_id: object
    notes: Sequence[Noted]


class TrailRelay:
    """`NoteTaker` on a database handle, for the collections that are named.

    Args:
        database: of the documents.
        trail: where notes go.
        clock: aware UTC.
        collections: those whose documents carry notes, for `sweep`.
    """

    def __init__(self, database: Database, trail: Trail, clock: Clock, *, collections: Sequence[str]) -> None:
        self._database = database
        self._trail = trail
        self._clock = clock
        self._collections = collections
        self._handed: list[_Carried] = []
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._is_running = False

    def take(self, collection: str, document_id: object, notes: Sequence[Noted]) -> None:
        """See `NoteTaker.take`."""
        if notes and self._is_running and len(self._handed) < HANDED_MOST:
            self._handed.append(_Carried(collection, document_id, notes))
            self._settled.clear()
            self._wake.set()

    async def settled(self) -> None:
        """Wait until what this process has written before is in the chains, but not for ever."""
        if self._settled.is_set():
            return
        self._hurry.set()
        try:
            await asyncio.wait_for(self._settled.wait(), SETTLED_WITHIN_S)
        except TimeoutError:
            log.warning("trail read before it was settled", count=len(self._handed))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Append what is handed over while the block runs, and what is left at its end."""
        self._is_running = True
        async with beside(self._append_handed, wake=self._wake):
            try:
                yield
            finally:
                self._is_running = False
                self._hurry.set()

    async def sweep(self) -> None:
        """Append what other processes have left behind.

        Raises:
            TransientError: the database is away; the next turn goes on.
        """
        for name in self._collections:
            while carried := await self._left_behind(name):
                log.info("notes left behind", collection=name, count=len(carried))
                await self._append(carried)

    async def _append_handed(self) -> None:
        if self._is_running:  # else the block is over
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), PACE_S)
        self._hurry.clear()
        while self._handed:
            batch, self._handed = self._handed[:_AT_ONCE], self._handed[_AT_ONCE:]
            try:
                await self._append(batch)
            except TransientError as error:
                log.warning("notes left to the sweep", count=len(batch), error=str(error))
        self._settled.set()

    async def _left_behind(self, name: str) -> list[_Carried]:
        old = {f"{FIELD}.at": {"$lte": self._clock() - LEFT_BEHIND}}
        with translated():
            found = await self._database[name].find(old, {FIELD: 1}).limit(_AT_ONCE).to_list(None)
        return [_Carried(name, document["_id"], read_pending(document[FIELD])) for document in found]

    async def _append(self, batch: Sequence[_Carried]) -> None:
        """First into the chains, in order; then out of the documents, for which a lost write does no harm."""
        told = [each for carried in batch for each in carried.notes]
        await asyncio.gather(*(self._trail.append(each.account_id, each.note, key=each.key) for each in told))
        for name in {carried.collection for carried in batch}:
            await self._remove(name, [carried for carried in batch if carried.collection == name])

    async def _remove(self, name: str, batch: Sequence[_Carried]) -> None:
        """One update for all: a key names one note, wherever that is carried."""
        keys = [each.key for carried in batch for each in carried.notes]
        wanted = {"_id": {"$in": [carried.document_id for carried in batch]}}
        collection = self._database[name].with_options(write_concern=QUICK)
        with translated():
            await collection.update_many(wanted, {"$pull": {FIELD: {"key": {"$in": keys}}}})
