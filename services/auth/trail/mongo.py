"""The audit trail in MongoDB: collection `trail`."""

from services.auth.trail.domain import Note
from shared.gather import GatheredWriter
from shared.ids import new_id
from shared.mongo import Database, Index, ensure_indexes, translated

COLLECTION = "trail"


async def ensure_trail_indexes(database: Database) -> None:
    """An account's entries by time."""
    await ensure_indexes(database[COLLECTION], [Index("account", [("account_id", 1), ("at", -1)])])


class MongoTrail:
    """`Trail` on a database handle."""

    def __init__(self, database: Database) -> None:
        self._collection = database[COLLECTION]
        self._writer = GatheredWriter(self._collection)

    async def append(self, account_id: str, note: Note) -> None:
        """See `Trail.append`."""
        await self._writer.insert(
            {"_id": new_id(), "account_id": account_id, "what": note.what, "at": note.at, "details": dict(note.details)}
        )

    async def of_account(self, account_id: str, *, limit: int) -> list[Note]:
        """See `Trail.of_account`."""
        with translated():
            found = self._collection.find({"account_id": account_id}).sort("at", -1).limit(limit)
            return [Note(each["what"], each["at"], each["details"]) for each in await found.to_list(limit)]
