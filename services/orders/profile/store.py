"""Where profiles are kept, sealed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

COLLECTION = "profiles"


@dataclass(frozen=True, slots=True)
class SealedProfile:
    """One account's profile under the account's own data key."""

    account_id: str
    box: bytes
    updated_at: datetime
    revision: int = 0
    """How often it was written before; 0 for the first time."""


class Profiles(Protocol):
    """Profiles by account."""

    async def find(self, account_id: str) -> SealedProfile | None:
        """The profile, if there is one."""

    async def put(self, profile: SealedProfile) -> bool:
        """Keep it in place of the one that was read, whose `revision` it carries; it is one higher then.

        False where somebody else has written or forgotten meanwhile; nothing is changed then.
        """

    async def remove(self, account_id: str) -> None:
        """Forget it; nothing where there is none."""
