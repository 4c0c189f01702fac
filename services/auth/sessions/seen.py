"""When each session was seen: noted on the hot path, written behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import structlog

from services.auth.sessions.domain import Session
from services.auth.sessions.store import Sessions
from shared.errors import TransientError

log = structlog.get_logger()

WORTH_A_WRITE = timedelta(minutes=1)
FLUSH_S = 5.0
MOST = 50_000


class SeenSessions:
    """Collects and writes in one command what is at least a minute newer than what the database has.

    What is lost in a crash makes a session end a minute early at the most.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._seen: dict[bytes, datetime] = {}

    def note(self, session: Session, now: datetime) -> None:
        """The session was used. Does not wait."""
        if now - session.seen_at >= WORTH_A_WRITE and len(self._seen) < MOST:
            self._seen.setdefault(session.key, now)

    async def flush(self) -> None:
        """Write what was noted; what cannot be written now is noted again by the session's next use."""
        seen, self._seen = self._seen, {}
        if not seen:
            return
        try:
            await self._sessions.mark_seen(list(seen.items()))
        except TransientError as error:
            log.warning("sessions not marked as seen", count=len(seen), reason=str(error))

    @asynccontextmanager
    async def written(self) -> AsyncIterator[None]:
        """Write every few seconds while the block runs, and once more at its end."""
        stop = asyncio.Event()
        failure: Exception | None = None
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(stop))
            try:
                yield
            except Exception as error:  # noqa: BLE001 - raised again below: the group would wrap the block's refusal
                failure = error
            finally:
                stop.set()
        if failure is not None:
            raise failure

    async def _repeat(self, stop: asyncio.Event) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), FLUSH_S)
                break
            await self.flush()
        await self.flush()
