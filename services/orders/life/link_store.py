"""Where it is noted that somebody wants the links to an address's orders. The address itself is not kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shared.events import Event
from shared.mongo import Database, DuplicateKey, Index, translated
from shared.outbox import INDEX, Announcer, pending

COLLECTION = "link_requests"
MOST_A_DAY = 3
_KEPT = timedelta(days=2)
_WAITING = {"waiting": True}
INDEXES = (
    Index("waiting", [("waiting", 1), ("_id", 1)], partial=_WAITING),
    Index("expiry", [("expires_at", 1)], expire_after_s=0),
    INDEX,
)


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """What was asked for an address on a day; `contact_key` is the keyed hash of the address."""

    id: str
    contact_key: str
    language: str
    asked_at: datetime


class LinkRequests(Protocol):
    """Requests by address and day (UTC)."""

    async def ask(self, contact_key: str, *, language: str, at: datetime) -> None:
        """Note it, unless this was asked `MOST_A_DAY` times today. The same work for every address."""

    async def waiting(self, *, limit: int) -> Sequence[LinkRequest]:
        """What was not answered yet."""

    async def answer(self, request: LinkRequest, events: Sequence[Event]) -> None:
        """It is answered, by these events or by none, unless it was; they leave with this write."""


class MongoLinkRequests:
    """`LinkRequests` on a database handle; tells the relay of each event."""

    def __init__(self, database: Database, relay: Announcer) -> None:
        self._requests = database[COLLECTION]
        self._relay = relay

    async def ask(self, contact_key: str, *, language: str, at: datetime) -> None:
        """See `LinkRequests.ask`: one conditional write; where the limit is reached, its insert meets the document."""
        wanted = {"_id": f"{contact_key}:{at:%Y-%m-%d}", "count": {"$lt": MOST_A_DAY}}
        noted = {"waiting": True, "contact_key": contact_key, "language": language, "asked_at": at}
        try:
            with translated():
                await self._requests.update_one(
                    wanted, {"$inc": {"count": 1}, "$set": noted | {"expires_at": at + _KEPT}}, upsert=True
                )
        except DuplicateKey:
            return

    async def waiting(self, *, limit: int) -> Sequence[LinkRequest]:
        """See `LinkRequests.waiting`."""
        with translated():
            found = await self._requests.find(_WAITING).sort("_id", 1).limit(limit).to_list(None)
        return [LinkRequest(each["_id"], each["contact_key"], each["language"], each["asked_at"]) for each in found]

    async def answer(self, request: LinkRequest, events: Sequence[Event]) -> None:
        """See `LinkRequests.answer`."""
        change = {"$set": {"waiting": False}, "$push": {"outbox": {"$each": pending(events)}}}
        asked = {"_id": request.id, "asked_at": request.asked_at} | _WAITING
        with translated():
            done = await self._requests.update_one(asked, change if events else {"$set": {"waiting": False}})
        if done.matched_count and events:
            self._relay.announce(COLLECTION, request.id, events)
