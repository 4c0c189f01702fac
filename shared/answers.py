"""Questions that an event asks and that are answered once, however often it comes: the answer leaves with its note.

For work that has more than one step: what is counted at the beginning is kept, so that a second try, after a crash
midway, answers what the first one would have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from shared.events import Event
from shared.mongo import Database, Document, DuplicateKey, Index, ensure_indexes, translated
from shared.outbox import INDEX, Announcer, pending

COLLECTION = "answers"


@dataclass(frozen=True, slots=True)
class Begun:
    """A question that somebody has begun to work on. `note` holds codes and numbers, never a personal value."""

    key: str
    expires_at: datetime
    note: Mapping[str, Any] = field(default_factory=dict)
    is_answered: bool = False


class Answers(Protocol):
    """Questions by their natural key."""

    async def find(self, key: str) -> Begun | None:
        """The question, if anybody has begun with it."""
        ...

    async def begin(self, begun: Begun) -> Begun:
        """Keep it, unless somebody was first; what counts from now on. Durable on return."""
        ...

    async def answer(self, key: str, events: Sequence[Event]) -> bool:
        """Answer what was begun, once: the events leave with this write. Whether this call did it."""
        ...


async def ensure_answer_indexes(database: Database) -> None:
    """Expiry and pending events."""
    await ensure_indexes(database[COLLECTION], [Index("expiry", [("expires_at", 1)], expire_after_s=0), INDEX])


class MongoAnswers:
    """`Answers` on a database handle: collection `answers`."""

    def __init__(self, database: Database, relay: Announcer) -> None:
        self._collection = database[COLLECTION]
        self._relay = relay

    async def find(self, key: str) -> Begun | None:
        """See `Answers.find`."""
        with translated():
            document = await self._collection.find_one({"_id": key}, {"outbox": 0})
        return None if document is None else _begun(document)

    async def begin(self, begun: Begun) -> Begun:
        """See `Answers.begin`."""
        document: Document = {
            "_id": begun.key,
            "expires_at": begun.expires_at,
            "note": dict(begun.note),
            "answered": False,
        }
        try:
            with translated():
                await self._collection.insert_one(document)
        except DuplicateKey:
            return await self.find(begun.key) or begun
        return begun

    async def answer(self, key: str, events: Sequence[Event]) -> bool:
        """See `Answers.answer`."""
        change = {"$set": {"answered": True, "outbox": pending(events)}}
        with translated():
            done = await self._collection.update_one({"_id": key, "answered": False}, change)
        if done.matched_count:
            self._relay.announce(COLLECTION, key, events)
        return bool(done.matched_count)


def _begun(document: Document) -> Begun:
    return Begun(document["_id"], document["expires_at"], document["note"], document["answered"])
