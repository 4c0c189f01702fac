"""Limits, and what counts the tries. Holds across processes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` in any stretch of `within`."""

    name: str
    most: int
    within: timedelta


class Tries(Protocol):
    """Counts what may not be done too often. Holds across processes."""

    async def take(self, limit: Limit, key: str, *, at: datetime) -> timedelta | None:
        """Count one try. None where it is within the limit; else how long to wait, and nothing is counted."""
        ...

    async def forget(self, limit: Limit, key: str) -> None:
        """Begin anew: the owner has got in."""
        ...
