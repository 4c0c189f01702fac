"""What challenges of WebAuthn ceremonies are asked of their store."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

Purpose = Literal["register", "log-in"]
LASTS = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What was asked to be signed: for one purpose, once, in time; `account_id` is "" where nobody is known yet."""

    purpose: Purpose
    account_id: str
    expires_at: datetime


class Challenges(Protocol):
    """Challenges by their SHA-256. Holds across processes."""

    async def add(self, key: bytes, challenge: Challenge) -> None:
        """Store a new one."""
        ...

    async def take(self, key: bytes) -> Challenge | None:
        """Remove a challenge and return it. Of many at once, one gets it, whatever comes of it then."""
        ...
