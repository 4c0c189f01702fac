"""Since when an address is forgotten: what was asked for it before then, and arrives later, is nobody's wish any more.

A keyed hash and a moment, for ever, as suppression is. Who comes back after that moment is welcome.
"""

from datetime import datetime
from typing import Protocol

from shared.mongo import Database, translated

COLLECTION = "forgotten"


class Forgotten(Protocol):
    """Moments by the keyed hash of an address."""

    async def remember(self, address_key: str, at: datetime) -> None:
        """Whoever had this address until `at` is forgotten; an earlier moment changes nothing. Durable on return."""
        ...

    async def until(self, address_key: str) -> datetime | None:
        """The moment, if there is one."""
        ...


class MongoForgotten:
    """`Forgotten` on a database handle."""

    def __init__(self, database: Database) -> None:
        self._collection = database[COLLECTION]

    async def remember(self, address_key: str, at: datetime) -> None:
        """See `Forgotten.remember`."""
        with translated():
            await self._collection.update_one({"_id": address_key}, {"$max": {"at": at}}, upsert=True)

    async def until(self, address_key: str) -> datetime | None:
        """See `Forgotten.until`."""
        with translated():
            document = await self._collection.find_one({"_id": address_key})
        return None if document is None else document["at"]
