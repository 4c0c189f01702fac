"""When each session was seen: noted on the hot path, written behind it."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import structlog

from services.auth.behind import written_behind
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

    def written(self) -> AbstractAsyncContextManager[None]:
        """Write every few seconds while the block runs, and once more at its end."""
        return written_behind(self.flush, every_s=FLUSH_S)
