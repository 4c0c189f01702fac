"""Where it is kept that the staff have read a claim."""

from typing import Protocol

from shared.events import Event
from shared.mongo import Database, DuplicateKey, translated
from shared.outbox import Announcer, pending

COLLECTION = "accesses"


class Accesses(Protocol):
    """Who of the staff has read what."""

    async def add(self, access_id: str, claim_id: str, staff_id: str, events: list[Event]) -> None:
        """Keep an access with what it announces, unless it is there. Durable on return."""
        ...


class MongoAccesses:
    """`Accesses` on a database."""

    def __init__(self, database: Database, relay: Announcer) -> None:
        self._accesses = database[COLLECTION]
        self._relay = relay

    async def add(self, access_id: str, claim_id: str, staff_id: str, events: list[Event]) -> None:
        """See `Accesses.add`."""
        document = {"_id": access_id, "claim_id": claim_id, "staff_id": staff_id, "outbox": pending(events)}
        try:
            with translated():
                await self._accesses.insert_one(document)
        except DuplicateKey:
            return
        self._relay.announce(COLLECTION, access_id, events)
