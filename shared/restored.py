"""The mark that a restored backup carries: as of when everything here is, so that nobody trusts it further.

Whoever makes a backup puts the document into it; a database that was never restored has none.
"""

from datetime import datetime
from typing import Protocol

from shared.mongo import Database, translated

COLLECTION = "restored"
DOCUMENT = "backup"


class Restored(Protocol):
    """What is known of the restore that this database comes from."""

    async def as_of(self) -> datetime | None:
        """The moment of the backup, or None where there was no restore. The answer is remembered.

        Raises:
            TransientError: the database is away.
        """
        ...

    async def recovered_at(self) -> datetime | None:
        """When somebody has recovered what the backup does not know, if anybody has."""
        ...

    async def recover(self, at: datetime) -> None:
        """Note that somebody has. Durable on return; an earlier note stays."""
        ...


class NeverRestored:
    """A database that does not come from a backup: one that was made just now."""

    async def as_of(self) -> datetime | None:
        """See `Restored.as_of`."""
        return None

    async def recovered_at(self) -> datetime | None:
        """See `Restored.recovered_at`."""
        return None

    async def recover(self, at: datetime) -> None:
        """See `Restored.recover`: there is nothing to note."""


class MongoRestored:
    """`Restored` on a database handle. Nobody restores under running processes, so the moment is asked for once."""

    def __init__(self, database: Database) -> None:
        self._collection = database[COLLECTION]
        self._as_of: datetime | None = None
        self._is_known = False

    async def as_of(self) -> datetime | None:
        """See `Restored.as_of`."""
        if not self._is_known:
            with translated():
                document = await self._collection.find_one({"_id": DOCUMENT})
            self._as_of, self._is_known = (document["at"] if document else None), True
        return self._as_of

    async def recovered_at(self) -> datetime | None:
        """See `Restored.recovered_at`."""
        with translated():
            document = await self._collection.find_one({"_id": DOCUMENT})
        return document.get("recovered_at") if document else None

    async def recover(self, at: datetime) -> None:
        """See `Restored.recover`."""
        wanted = {"_id": DOCUMENT, "recovered_at": {"$exists": False}}
        with translated():
            await self._collection.update_one(wanted, {"$set": {"recovered_at": at}})
