"""Group commit: writers that arrive together share one unordered command, and so one flush of the journal.

An idle writer is written at once; the others gather while that command is under way. Each document still succeeds or
fails alone, and nobody is answered before the journal has its own write. Worth a factor of two to four in checkouts
(docs/decisions/0001-event-kit.md).
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.errors import TransientError
from shared.mongo import Collection, Document, bulk_write, insertion, translated, update

MAX_BATCH = 500
MARKS = "gathered"
"""Field with the last commands that updated a document: how an update that shared its command learns of its fate.

One command reports only how many of its updates matched. Where that is not all of them, the marks tell which did.
"""
MARKS_KEPT = 4


@dataclass(slots=True)
class _Write:
    document: Document | None
    filter: Mapping[str, Any] | None
    change: Mapping[str, Any] | None
    done: "asyncio.Future[bool]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def target(self) -> Any:
        """The document's id; an insert without one has none to be confused with."""
        return self.filter["_id"] if self.filter is not None else (self.document or {}).get("_id")


class GatheredWriter:
    """One writer of one collection, shared by all coroutines of a process.

    A cancelled caller does not take its write back: it may or may not have happened, as with any lost answer.
    """

    def __init__(self, collection: Collection, *, max_batch: int = MAX_BATCH) -> None:
        self._collection = collection
        self._max_batch = max_batch
        self._waiting: list[_Write] = []
        self._flusher: asyncio.Task[None] | None = None

    async def insert(self, document: Document) -> None:
        """Insert one document.

        Raises:
            DuplicateKey: a unique index has its key already.
            TransientError: not written, or nobody knows.
        """
        await self._submit(_Write(document, None, None))

    async def update(self, filter: Mapping[str, Any], change: Mapping[str, Any]) -> bool:
        """Update one document by a conditional write; whether the condition held.

        `filter` must name `_id`, and `change` must consist of operators.

        Raises:
            DuplicateKey, TransientError: as for `insert`.
        """
        return await self._submit(_Write(None, filter, change))

    async def _submit(self, write: _Write) -> bool:
        self._waiting.append(write)
        if self._flusher is None or self._flusher.done():
            # Not a stray task: every caller awaits its own write, which this task alone completes.
            self._flusher = asyncio.create_task(self._flush())
        return await write.done

    async def _flush(self) -> None:
        # The callers that are ready in this turn of the loop come first; the rest gather behind the command.
        await asyncio.sleep(0)
        while self._waiting:
            batch = self._next_batch()
            try:
                await self._write(batch)
            except asyncio.CancelledError:
                _fail([*batch, *self._waiting], TransientError("shutting down"))
                raise
            except Exception as error:  # noqa: BLE001 - it is raised again, in each caller whose write it was
                _fail(batch, error)

    def _next_batch(self) -> list[_Write]:
        """The oldest writes, but only one update of each document, so that a mark answers for one update."""
        batch: list[_Write] = []
        later: list[_Write] = []
        ids: set[Any] = set()
        for write in self._waiting:
            if len(batch) >= self._max_batch or write.target in ids:
                later.append(write)
                continue
            batch.append(write)
            if write.filter is not None:
                ids.add(write.target)
        self._waiting = later
        return batch

    async def _write(self, batch: Sequence[_Write]) -> None:
        mark = secrets.token_bytes(12)
        outcome = await bulk_write(self._collection, [_operation(write, mark) for write in batch])
        updates = [write for place, write in enumerate(batch) if write.filter is not None and not outcome.at(place)]
        hits = {write.target for write in updates}
        if outcome.matched != len(updates):
            hits = await self._marked(hits, mark)
        for place, write in enumerate(batch):
            if write.done.done():
                continue
            if error := outcome.at(place):
                write.done.set_exception(error)
            else:
                write.done.set_result(write.filter is None or write.target in hits)

    async def _marked(self, ids: set[Any], mark: bytes) -> set[Any]:
        """Some condition did not hold: which of the documents carry this command's mark?"""
        with translated():
            found = await self._collection.find({"_id": {"$in": list(ids)}, MARKS: mark}, {"_id": 1}).to_list(None)
        return {document["_id"] for document in found}


def _operation(write: _Write, mark: bytes) -> Any:
    if write.filter is None:
        return insertion(write.document or {})
    change = dict(write.change or {})
    change["$push"] = {**change.get("$push", {}), MARKS: {"$each": [mark], "$slice": -MARKS_KEPT}}
    return update(write.filter, change)


def _fail(batch: Sequence[_Write], error: Exception) -> None:
    for write in batch:
        if not write.done.done():
            write.done.set_exception(error)
