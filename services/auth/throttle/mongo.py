"""Tries in MongoDB: collection `tries`; each document leaves by itself when its time is over."""

from datetime import datetime, timedelta

from services.auth.throttle.store import Limit
from shared.mongo import Database, DuplicateKey, Index, ensure_indexes, translated

TRIES = "tries"


async def ensure_throttle_indexes(database: Database) -> None:
    """Expiry."""
    await ensure_indexes(database[TRIES], [Index("expiry", [("expires_at", 1)], expire_after_s=0)])


class MongoTries:
    """`Tries` on a database handle: a document holds the moments of the latest tries, as many as the limit allows."""

    def __init__(self, database: Database) -> None:
        self._collection = database[TRIES]

    async def take(self, limit: Limit, key: str, *, at: datetime) -> timedelta | None:
        """See `Tries.take`. Full, and the oldest one still counts: the upsert then meets its own key."""
        wanted = {
            "_id": _try_id(limit, key),
            "$or": [{f"at.{limit.most - 1}": {"$exists": False}}, {"at.0": {"$lte": at - limit.within}}],
        }
        change = {
            "$push": {"at": {"$each": [at], "$slice": -limit.most}},
            "$max": {"expires_at": at + limit.within},
        }
        for _ in range(3):
            try:
                with translated():
                    await self._collection.update_one(wanted, change, upsert=True)
            except DuplicateKey:
                wait = await self._wait(limit, key, at=at)
                if wait is not None:
                    return wait
                continue  # two first tries at once: the other one made the document
            return None
        return timedelta(seconds=1)  # many at the same moment: whoever they are, this is too many

    async def forget(self, limit: Limit, key: str) -> None:
        """See `Tries.forget`."""
        with translated():
            await self._collection.delete_one({"_id": _try_id(limit, key)})

    async def _wait(self, limit: Limit, key: str, *, at: datetime) -> timedelta | None:
        with translated():
            document = await self._collection.find_one({"_id": _try_id(limit, key)}, {"at": 1})
        moments = (document or {}).get("at", [])
        if len(moments) < limit.most:
            return None
        left: timedelta = moments[0] + limit.within - at
        return left if left > timedelta(0) else None


def _try_id(limit: Limit, key: str) -> str:
    return f"{limit.name}:{key}"
