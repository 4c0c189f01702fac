"""What is known of a restore, in memory."""

from datetime import datetime


class MemoryRestored:
    """Implements `Restored`; a test says as of when the database is."""

    def __init__(self, at: datetime | None = None) -> None:
        self.at = at
        self._recovered_at: datetime | None = None

    async def as_of(self) -> datetime | None:
        """See `Restored.as_of`."""
        return self.at

    async def recovered_at(self) -> datetime | None:
        """See `Restored.recovered_at`."""
        return self._recovered_at

    async def recover(self, at: datetime) -> None:
        """See `Restored.recover`."""
        if self.at is not None:
            self._recovered_at = self._recovered_at or at
