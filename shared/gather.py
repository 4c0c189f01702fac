"""Group commit: writers that arrive together share one unordered command, and so one flush of the journal.

Each document still succeeds or fails alone, and nobody is answered before the journal has its own write. Worth a
factor of two to four in checkouts (docs/decisions/0001-event-kit.md).
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.gatherer import MAX_BATCH, Gatherer
from shared.mongo import Collection, Document, DuplicateKey, bulk_write, insertion, translated, update

MARKS = "gathered"
"""Field with the last commands that updated a document: how an update that shared its command learns of its fate.

One command reports only how many of its updates matched. Where that is not all of them, the marks tell which did.
"""
MARKS_KEPT = 4


@dataclass(frozen=True, slots=True)
class _Insert:
    document: Document


@dataclass(frozen=True, slots=True)
class _Update:
    filter: Mapping[str, Any]
    change: Mapping[str, Any]

    @property
    def target(self) -> Any:
        """The id of the document that it is about."""
        return self.filter["_id"]


_Write = _Insert | _Update


class GatheredWriter:
    """One writer of one collection, shared by all coroutines of a process.

    A cancelled caller does not take its write back: it may or may not have happened, as with any lost answer. One
    command is under way at a time: a second beside it would make both smaller, and what a command costs by itself
    weighs more than the wait (docs/performance.md).
    """

    def __init__(self, collection: Collection, *, max_batch: int = MAX_BATCH) -> None:
        self._collection = collection
        # A mark answers for one update of a document: two of one document never share a command.
        self._writes: Gatherer[_Write, bool] = Gatherer(self._write, max_batch=max_batch, apart=_updated)

    async def insert(self, document: Document) -> None:
        """Insert one document.

        Raises:
            DuplicateKey: a unique index has its key already.
            TransientError: not written, or nobody knows.
        """
        await self._writes.submit(_Insert(document))

    async def insert_new(self, documents: Sequence[Document]) -> None:
        """Insert those of the documents whose keys are not there yet.

        Raises:
            TransientError: some were not written, or nobody knows; the others are there.
        """
        writes = [self._writes.enqueue(_Insert(document)) for document in documents]
        for outcome in await asyncio.gather(*writes, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, DuplicateKey):
                raise outcome

    async def update(self, filter: Mapping[str, Any], change: Mapping[str, Any]) -> bool:
        """Update one document by a conditional write; whether the condition held.

        `filter` must name `_id`, and `change` must consist of operators.

        Raises:
            DuplicateKey, TransientError: as for `insert`.
        """
        return await self._writes.submit(_Update(filter, change))

    async def _write(self, batch: Sequence[_Write]) -> list[bool | Exception]:
        mark = secrets.token_bytes(12)
        outcome = await bulk_write(self._collection, [_operation(write, mark) for write in batch])
        errors = [outcome.at(place) for place in range(len(batch))]
        hits = {w.target for w, error in zip(batch, errors, strict=True) if isinstance(w, _Update) and not error}
        if outcome.matched != len(hits):
            hits = await self._marked(hits, mark)
        return [
            error or isinstance(write, _Insert) or write.target in hits
            for write, error in zip(batch, errors, strict=True)
        ]

    async def _marked(self, ids: set[Any], mark: bytes) -> set[Any]:
        """Some condition did not hold: which of the documents carry this command's mark?"""
        with translated():
            found = await self._collection.find({"_id": {"$in": list(ids)}, MARKS: mark}, {"_id": 1}).to_list(None)
        return {document["_id"] for document in found}


def _updated(write: _Write) -> Any:
    return write.target if isinstance(write, _Update) else None


def _operation(write: _Write, mark: bytes) -> Any:
    if isinstance(write, _Insert):
        return insertion(write.document)
    change = dict(write.change)
    change["$push"] = {**change.get("$push", {}), MARKS: {"$each": [mark], "$slice": -MARKS_KEPT}}
    return update(write.filter, change)
