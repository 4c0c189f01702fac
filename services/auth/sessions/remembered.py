"""A remembered browser: a series of one-time values, of which one is current (P4).

A browser comes back with value v1 and no session: v1 becomes the former value, v2 the current one, and a new session
is made; the browser gets both. Requests that come in parallel with v1, and those whose answer was lost, all get the
same v2 and the same session, for 60 s: they wait, sealed, in `handover`. After that v1 is a copy in somebody else's
hands: the series ends. While the session lives, the series is not looked at.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

GRACE = timedelta(seconds=60)
LASTS = timedelta(days=60)


class Verdict(Enum):
    """What a presented value is worth."""

    ROTATE = "the current value: make the next one and a session"
    HAND_OVER = "the former value in its grace: give what replaced it"
    GONE = "the series has ended or expired"
    STOLEN = "a value used before: somebody has a copy"


@dataclass(frozen=True, slots=True)
class RememberedBrowser:
    """`current` and `former` are SHA-256 of values; `handover` is sealed: the current value and its session's token."""

    id: str
    account_id: str
    device: str
    current: bytes
    created_at: datetime
    rotated_at: datetime
    expires_at: datetime
    former: bytes | None = None
    handover: bytes | None = None
    ended_at: datetime | None = None

    def judge(self, value_hash: bytes, now: datetime) -> Verdict:
        """What to do with a presented value."""
        if self.ended_at is not None or now >= self.expires_at:
            return Verdict.GONE
        if value_hash == self.current:
            return Verdict.ROTATE
        if value_hash == self.former and now <= self.rotated_at + GRACE:
            return Verdict.HAND_OVER
        return Verdict.STOLEN

    def rotate(self, next_hash: bytes, *, handover: bytes, at: datetime) -> "RememberedBrowser":
        """The current value was used: another takes its place, and the sixty days begin anew."""
        return replace(
            self,
            current=next_hash,
            former=self.current,
            handover=handover,
            rotated_at=at,
            expires_at=at + LASTS,
        )
