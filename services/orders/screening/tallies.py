"""How often a card, an address or a network has been seen lately, and what it has paid before: the store's promise.

Counts are kept by steps of five minutes and leave by themselves two days later; what was paid, after half a year.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Protocol

from services.orders.screening.domain import Marks, Seen

STEP_S = 300
HISTORY = timedelta(days=180)


def step_of(at: datetime) -> int:
    """The step of time that a moment is in."""
    return int(at.timestamp()) // STEP_S


class Tallies(Protocol):
    """Counts by mark. Each is one atomic step, whoever else counts."""

    async def count_try(self, marks: Marks, *, at: datetime) -> None:
        """One more checkout."""

    async def count_decline(self, marks: Marks, *, at: datetime) -> None:
        """The provider has declined one, for its marks and for the shop."""

    def count_paid(self, marks: Marks, account_id: str, amount_minor: int, currency: str, *, at: datetime) -> None:
        """A card, and an account where there is one, has paid. Stored with the next count: a crash may lose it."""

    async def store_paid(self) -> None:
        """Store what has paid and waits for the next count."""

    async def look(self, marks: Marks, account_id: str, *, at: datetime) -> Seen:
        """What is stored of these marks, with all that was counted before, and whether they are listed: one read."""

    async def forget(self, account_id: str, cards: Collection[str]) -> None:
        """Remove what an account and its cards have paid; counts leave by themselves."""
