"""Wrapped data keys in MongoDB: collection `data_keys`, `_id` is the person, of a database that holds nothing else.

A database of its own, so that a backup of a service's database holds none, and a restore of one brings none back. Who
was erased has a tombstone, `{_id, erased_at}`, in the place of the key.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.gather import GatheredWriter
from shared.gatherer import Gatherer
from shared.mongo import Database, Document, DuplicateKey, bulk_write, translated, update
from shared.personal import WrappedKey
from shared.reads import GatheredReader

COLLECTION = "data_keys"
_ALIVE = {"erased_at": {"$exists": False}}


class MongoDataKeys:
    """Implements `shared.personal.DataKeys` and `shared.rewrapping.Rewrappable`.

    Persons who arrive together share a query and a write. Each method raises `TransientError` when the database is
    away.

    Args:
        database: that of the data keys, not that of the service.
    """

    def __init__(self, database: Database) -> None:
        self._collection = database[COLLECTION]
        self._writer = GatheredWriter(self._collection)
        self._reader = GatheredReader(self._collection)
        self._withdrawals: Gatherer[str, None] = Gatherer(self._withdraw)

    async def find(self, person_id: str) -> WrappedKey | None:
        """See `DataKeys.find`."""
        document = await self._reader.find(person_id)
        return _wrapped(document) if document and _is_key(document) else None

    async def find_many(self, person_ids: Sequence[str]) -> dict[str, WrappedKey]:
        """See `DataKeys.find_many`."""
        with translated():
            found = await self._collection.find({"_id": {"$in": list(person_ids)}} | _ALIVE).to_list(None)
        return {document["_id"]: _wrapped(document) for document in found}

    async def add(self, wrapped: WrappedKey) -> None:
        """See `DataKeys.add`."""
        try:
            await self._writer.insert({"_id": wrapped.person_id, "kek": wrapped.kek_version, "box": wrapped.box})
        except DuplicateKey:  # a tombstone has the id, too
            return

    async def remove(self, person_id: str) -> bool:
        """See `DataKeys.remove`. The moment of erasure is the database server's."""
        erased_at = {"$ifNull": ["$erased_at", "$$NOW"]}
        tombstone: list[Document] = [{"$replaceWith": {"_id": {"$literal": person_id}, "erased_at": erased_at}}]
        # No find-and-modify: for its retries the server would keep the key in a collection of its own.
        try:
            return await self._replace(person_id, tombstone)
        except DuplicateKey:  # somebody else was quicker with the first document of this person
            return await self._replace(person_id, tombstone)

    async def withdraw(self, person_id: str) -> None:
        """See `DataKeys.withdraw`."""
        await self._withdrawals.submit(person_id)

    async def versions(self) -> Mapping[int, int]:
        """See `Rewrappable.versions`."""
        counted: list[Document] = [{"$match": _ALIVE}, {"$group": {"_id": "$kek", "count": {"$sum": 1}}}]
        with translated():
            found = await self._collection.aggregate(counted).to_list(None)
        return {int(row["_id"]): row["count"] for row in sorted(found, key=lambda row: int(row["_id"]))}

    async def outdated(self, version: int, *, after: str, limit: int) -> list[WrappedKey]:
        """See `Rewrappable.outdated`."""
        wanted = {"_id": {"$gt": after}, "kek": {"$lt": version}} | _ALIVE
        with translated():
            found = await self._collection.find(wanted).sort("_id", 1).limit(limit).to_list(None)
        return [_wrapped(document) for document in found]

    async def exchange(self, pairs: Sequence[tuple[WrappedKey, WrappedKey]]) -> int:
        """See `Rewrappable.exchange`."""
        done = await bulk_write(self._collection, [_exchange(old, new) for old, new in pairs])
        for failure in done.failures.values():
            raise failure
        return done.matched

    async def _withdraw(self, person_ids: Sequence[str]) -> list[Exception | None]:
        with translated():
            await self._collection.delete_many({"_id": {"$in": list(person_ids)}} | _ALIVE)
        return [None] * len(person_ids)

    async def _replace(self, person_id: str, tombstone: list[Document]) -> bool:
        with translated():
            done = await self._collection.update_one({"_id": person_id}, tombstone, upsert=True)
        return bool(done.modified_count)


def _exchange(old: WrappedKey, new: WrappedKey) -> Any:
    if old.person_id != new.person_id:
        raise ValueError("a data key keeps its person")
    condition = {"_id": old.person_id, "box": old.box} | _ALIVE
    return update(condition, {"$set": {"kek": new.kek_version, "box": new.box}})


def _is_key(document: Mapping[str, Any]) -> bool:
    return "erased_at" not in document


def _wrapped(document: Mapping[str, Any]) -> WrappedKey:
    return WrappedKey(person_id=document["_id"], kek_version=int(document["kek"]), box=bytes(document["box"]))
