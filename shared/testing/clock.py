"""A clock that stands still until it is moved."""

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
"""Noon in Tokyo on a November Sunday."""


class FixedClock:
    """Call it for the time; `advance` moves it."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        """The time at which it stands."""
        return self.at

    def advance(self, *, seconds: float = 0, days: float = 0) -> None:
        """Move the time forward."""
        self.at += timedelta(days=days, seconds=seconds)
