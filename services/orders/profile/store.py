"""Where profiles are kept, sealed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SealedProfile:
    """One account's profile under the account's own data key."""

    account_id: str
    box: bytes
    updated_at: datetime


class Profiles(Protocol):
    """Profiles by account."""

    async def find(self, account_id: str) -> SealedProfile | None:
        """The profile, if there is one."""

    async def put(self, profile: SealedProfile) -> None:
        """Keep it, in place of an earlier one."""

    async def remove(self, account_id: str) -> None:
        """Forget it; nothing where there is none."""
