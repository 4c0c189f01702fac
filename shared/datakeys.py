"""Wrapped data keys in MongoDB: collection `data_keys`, `_id` is the person."""

from typing import Any

from shared.gather import GatheredWriter
from shared.mongo import Database, DuplicateKey, translated
from shared.personal import WrappedKey
from shared.reads import GatheredReader

COLLECTION = "data_keys"


class MongoDataKeys:
    """Implements `shared.personal.DataKeys`. Persons who arrive together share a query and a write."""

    def __init__(self, database: Database) -> None:
        self._collection = database[COLLECTION]
        self._writer = GatheredWriter(self._collection)
        self._reader = GatheredReader(self._collection)

    async def find(self, person_id: str) -> WrappedKey | None:
        """See `DataKeys.find`. Raises `TransientError` when the database is away, as the others do."""
        document = await self._reader.find(person_id)
        return _wrapped(document) if document else None

    async def add(self, wrapped: WrappedKey) -> None:
        """See `DataKeys.add`."""
        try:
            await self._writer.insert({"_id": wrapped.person_id, "kek": wrapped.kek_version, "box": wrapped.box})
        except DuplicateKey:
            return

    async def remove(self, person_id: str) -> bool:
        """See `DataKeys.remove`."""
        with translated():
            done = await self._collection.delete_one({"_id": person_id})
        return bool(done.deleted_count)


def _wrapped(document: dict[str, Any]) -> WrappedKey:
    return WrappedKey(person_id=document["_id"], kek_version=int(document["kek"]), box=bytes(document["box"]))
