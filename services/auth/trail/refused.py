"""Refused logins in the trail: one entry for an account and quarter of an hour, however often somebody tries.

Noted on the path of the login and written behind it: an address that is known answers as fast as one that is not, and
an attacker cannot flood anybody's trail. What is lost in a crash is the count of a few seconds.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.auth.behind import written_behind
from services.auth.trail.domain import Note
from services.auth.trail.store import Trail
from shared.clock import Clock
from shared.errors import TransientError

log = structlog.get_logger()

FLUSH_S = 5.0
MOST = 50_000
_AT_ONCE = 500
_SLOT_S = 15 * 60


@dataclass(slots=True)
class _Refused:
    """How many since the last entry, the last of them, and the quarter of an hour that has its entry already."""

    count: int
    at: datetime
    noted_slot: int = -1


class RefusedLogins:
    """Counts refused logins and appends what they come to; an entry's count is that of this process since its last."""

    def __init__(self, trail: Trail, clock: Clock) -> None:
        self._trail = trail
        self._clock = clock
        self._refused: dict[str, _Refused] = {}

    def note(self, account_id: str) -> None:
        """One more. Does not wait."""
        refused = self._refused.get(account_id)
        if refused is not None:
            refused.count += 1
            refused.at = self._clock()
        elif len(self._refused) < MOST:
            self._refused[account_id] = _Refused(1, self._clock())

    async def flush(self) -> None:
        """Append for each account that has no entry of this quarter of an hour yet; what cannot be, waits."""
        slot = int(self._clock().timestamp()) // _SLOT_S
        self._refused = {
            account: each for account, each in self._refused.items() if each.count or each.noted_slot == slot
        }
        due = [account for account, each in self._refused.items() if each.count and each.noted_slot != slot]
        for first in range(0, len(due), _AT_ONCE):
            await asyncio.gather(*(self._append(account, slot) for account in due[first : first + _AT_ONCE]))

    async def _append(self, account_id: str, slot: int) -> None:
        refused = self._refused[account_id]
        count = refused.count
        note = Note("login-refused", refused.at, {"count": str(count)})
        try:
            is_first = await self._trail.append(account_id, note, key=f"login-refused:{account_id}:{slot}")
        except TransientError as error:
            log.warning("refused logins not noted yet", account_id=account_id, count=count, error=str(error))
            return
        refused.noted_slot = slot
        if is_first:  # else another process has noted its own: these wait for the next quarter of an hour
            refused.count -= count

    def written(self) -> AbstractAsyncContextManager[None]:
        """Write every few seconds while the block runs, and once more at its end."""
        return written_behind(self.flush, every_s=FLUSH_S)
