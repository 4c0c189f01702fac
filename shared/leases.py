"""Leases: of n equal processes, one at a time does what is periodic.

The database's clock alone decides when a lease is over, so that processes with different clocks agree. The token
rises with each new holder and fences the writes of one that came back from a long pause.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from shared.errors import TransientError
from shared.ids import new_id
from shared.mongo import Database, DuplicateKey, translated

COLLECTION = "leases"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fence:
    """Proof of a lease. `token` is higher than that of every earlier holder of the same lease."""

    name: str
    token: int


class Leases:
    """Leases in one database, for one process."""

    def __init__(self, database: Database, *, owner: str | None = None) -> None:
        self._collection = database[COLLECTION]
        self._owner = owner or new_id()
        self._known: set[str] = set()

    @asynccontextmanager
    async def hold(self, name: str, *, ttl_s: float = 15.0) -> AsyncIterator[Fence | None]:
        """Hold the lease `name` for the length of the block, or yield None where another process has it.

        It is renewed in the background. When it cannot be, the block is cancelled before the lease ends.

        Raises:
            TransientError: the database is away, or the lease was lost.
        """
        fence = await self._acquire(name, ttl_s)
        if fence is None:
            yield None
            return
        try:
            async with asyncio.timeout(ttl_s * 0.9) as limit:
                renewal = asyncio.create_task(self._renew(fence, ttl_s, limit))
                try:
                    yield fence
                finally:
                    renewal.cancel()
        except TimeoutError as error:
            if limit.expired():
                raise TransientError(f"lost the lease {name}") from error
            raise
        finally:
            await asyncio.shield(self._release(fence))

    async def _acquire(self, name: str, ttl_s: float) -> Fence | None:
        await self._ensure(name)
        with translated():
            document = await self._collection.find_one_and_update(
                {"_id": name, "$expr": {"$lte": ["$until", "$$NOW"]}},
                [{"$set": {"owner": self._owner, "until": _in(ttl_s), "token": {"$add": ["$token", 1]}}}],
                return_document=True,
            )
        return Fence(name, int(document["token"])) if document else None

    async def _ensure(self, name: str) -> None:
        if name in self._known:
            return
        try:
            with translated():
                await self._collection.insert_one({"_id": name, "token": 0, "until": datetime(1970, 1, 1, tzinfo=UTC)})
        except DuplicateKey:
            log.debug("lease known", lease=name)
        self._known.add(name)

    async def _renew(self, fence: Fence, ttl_s: float, limit: asyncio.Timeout) -> None:
        while True:
            await asyncio.sleep(ttl_s / 4)
            asked_at = asyncio.get_running_loop().time()
            try:
                with translated():
                    done = await self._collection.update_one(
                        {"_id": fence.name, "token": fence.token}, [{"$set": {"until": _in(ttl_s)}}]
                    )
            except TransientError:
                continue
            if not done.matched_count:
                limit.reschedule(asked_at)
                return
            limit.reschedule(asked_at + ttl_s * 0.9)

    async def _release(self, fence: Fence) -> None:
        try:
            with translated():
                await self._collection.update_one(
                    {"_id": fence.name, "token": fence.token}, [{"$set": {"until": "$$NOW"}}]
                )
        except TransientError:
            return  # it ends by itself


def _in(seconds: float) -> dict[str, Any]:
    return {"$add": ["$$NOW", int(seconds * 1000)]}
