"""Where notices are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.mailer.notices.domain import Notice


class Notices(Protocol):
    """One document for each service mail, by its natural key."""

    async def add(self, notice: Notice) -> bool:
        """Store it unless it is there already; whether it was new. Durable on return."""

    async def claim(self, owner: str, *, at: datetime, limit: int) -> list[Notice]:
        """Up to `limit` that are due, now this owner's alone."""

    async def mark_dot(self, ids: Sequence[str], owner: str) -> set[str]:
        """Note, before the dot, those that are still this owner's; each has one more dot. Durable on return."""

    async def settle(self, notice: Notice, owner: str) -> bool:
        """Store where it stands, if it is still this owner's; a final state drops the content."""

    async def due(self, at: datetime) -> bool:
        """Whether any is due."""

    async def waiting(self) -> tuple[int, datetime | None]:
        """How many nobody is at, and since when the oldest of them is there."""

    async def orphans(self, dead: Sequence[str], *, before: datetime) -> list[tuple[Notice, str]]:
        """What these owners, or anybody longer ago than `before`, held; with the owner."""

    async def of_address(self, address_key: str) -> list[Notice]:
        """All for one address, whatever became of them, oldest first."""

    async def forget_address(self, address_key: str, *, until: datetime) -> None:
        """Forget for whom those were that were taken in by then. Durable on return."""

    async def find(self, id: str) -> Notice | None:
        """One of them."""
