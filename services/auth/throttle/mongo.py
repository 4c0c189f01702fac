"""Tries in MongoDB: collection `tries`; each document leaves by itself when its time is over.

A document holds the moments of the latest tries (`at`), how often the limit was filled (`fills`), and until when it is
closed (`until`). Each change is one conditional update that decides by what is there; those of a process that come
together share one command. The first try of an address is counted by the same update as its fifth: were it a cheaper
one, answer times would tell which addresses are tried now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any

from services.auth.throttle.store import QUIET, Limit
from shared.errors import TransientError
from shared.gatherer import Gatherer
from shared.mongo import (
    LATEST,
    QUICK,
    Collection,
    Database,
    Document,
    DuplicateKey,
    Index,
    bulk_write,
    ensure_indexes,
    translated,
    update,
)
from shared.reads import GatheredReader

TRIES = "tries"
_TURNS = 5
_DOUBLED_MOST = 20
_ANEW: Document = {"at": [], "fills": 0, "until": None}
"""Of one whose owner has got in."""


async def ensure_throttle_indexes(database: Database) -> None:
    """Expiry."""
    await ensure_indexes(database[TRIES], [Index("expiry", [("expires_at", 1)], expire_after_s=0)])


@dataclass(frozen=True, slots=True)
class _Write:
    wanted: Mapping[str, Any]
    change: Document | Sequence[Document]
    upsert: bool = False


class MongoTries:
    """`Tries` on a database handle."""

    def __init__(self, database: Database) -> None:
        self._collection = database[TRIES]
        self._latest = self._collection.with_options(read_concern=LATEST)
        self._reader = GatheredReader(self._latest, {"until": 1})
        self._writes: Gatherer[_Write, bool] = Gatherer(partial(_write, self._collection))
        # Lost in a crash, a success has not made good the tries before it: no reason to wait for the journal.
        quick = self._collection.with_options(write_concern=QUICK)
        self._forgets: Gatherer[str, None] = Gatherer(partial(_forget, quick))

    async def take(self, limit: Limit, key: str, *, at: datetime) -> timedelta | None:
        """See `Tries.take`. Where it is closed, the upsert meets its own key."""
        name = _try_id(limit, key)
        write = _Write({"_id": name, "until": {"$not": {"$gt": at}}}, _taken(limit, at), upsert=True)
        for _ in range(_TURNS):
            if await self._writes.submit(write):
                return None
            wait = await self._wait(name, at=at)
            if wait is not None:
                return wait
            # Two first tries at once: the other one has made the document. Or it has opened in this moment.
        return timedelta(seconds=1)  # many at the same moment: whoever they are, this is too many

    async def wait(self, limit: Limit, key: str, *, at: datetime) -> timedelta | None:
        """See `Tries.wait`."""
        return _left(await self._reader.find(_try_id(limit, key)), at)

    async def give_back(self, limit: Limit, key: str, *, at: datetime) -> None:
        """See `Tries.give_back`."""
        await self._writes.submit(_Write({"_id": _try_id(limit, key), "at": at}, _given_back(at)))

    async def forget(self, limit: Limit, key: str) -> None:
        """See `Tries.forget`."""
        await self._forgets.submit(_try_id(limit, key))

    async def _wait(self, name: str, *, at: datetime) -> timedelta | None:
        with translated():
            return _left(await self._latest.find_one({"_id": name}, {"until": 1}), at)


async def _write(collection: Collection, batch: Sequence[_Write]) -> list[bool | Exception]:
    """True where it was done, or there was nothing to do; False where the key was met."""
    outcome = await bulk_write(collection, [update(write.wanted, write.change, upsert=write.upsert) for write in batch])
    return [_answer(outcome.at(place)) for place in range(len(batch))]


async def _forget(collection: Collection, names: Sequence[str]) -> list[None]:
    """The same change for all of them, so one update does."""
    with translated():
        await collection.update_many({"_id": {"$in": list(names)}}, {"$set": _ANEW})
    return [None] * len(names)


def _left(document: Document | None, at: datetime) -> timedelta | None:
    until: datetime | None = (document or {}).get("until")
    return until - at if until is not None and until > at else None


def _answer(error: DuplicateKey | TransientError | None) -> bool | Exception:
    if isinstance(error, DuplicateKey):
        return False
    return error or True


@lru_cache(maxsize=100)
def _waits_ms(limit: Limit) -> list[int]:
    """How long it is closed, by how often it was filled."""
    return [int(limit.closed_for(times).total_seconds() * 1000) for times in range(1, _DOUBLED_MOST + 1)]


def _taken(limit: Limit, at: datetime) -> list[Document]:
    """One more try: those that are over go, and where this one fills the limit it closes."""
    window = {"$filter": {"input": {"$ifNull": ["$at", []]}, "cond": {"$gt": ["$$this", at - limit.within]}}}
    is_over = {"$lte": [{"$ifNull": ["$expires_at", at]}, at]}
    is_full = {"$gte": [{"$size": "$at"}, limit.most]}
    wait = {"$arrayElemAt": [_waits_ms(limit), {"$min": ["$fills", _DOUBLED_MOST - 1]}]}
    return [
        {"$set": {"at": {"$concatArrays": [window, [at]]},
                  "fills": {"$cond": [is_over, 0, {"$ifNull": ["$fills", 0]}]}}},
        {"$set": {"until": {"$cond": [is_full, {"$add": [at, wait]}, None]},
                  "fills": {"$cond": [is_full, {"$add": ["$fills", 1]}, "$fills"]}}},
        {"$set": {"expires_at": {"$add": [{"$max": ["$until", at]}, _millis(QUIET)]}}},
    ]  # fmt: skip


def _given_back(at: datetime) -> list[Document]:
    """One of the tries of that moment goes; what is closed was full, and now has a place."""
    place = {"$indexOfArray": ["$at", at]}
    behind = {"$subtract": [{"$add": [place, 1]}, {"$size": "$at"}]}  # negative: counted from the end
    is_closed = {"$ne": ["$until", None]}
    return [
        {"$set": {"at": {"$concatArrays": [{"$slice": ["$at", place]}, {"$slice": ["$at", behind]}]},
                  "fills": {"$cond": [is_closed, {"$subtract": ["$fills", 1]}, "$fills"]},
                  "until": None}},
    ]  # fmt: skip


def _millis(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)


def _try_id(limit: Limit, key: str) -> str:
    return f"{limit.name}:{key}"
