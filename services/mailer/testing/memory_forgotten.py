"""Forgotten addresses in memory."""

from datetime import datetime


class MemoryForgotten:
    """`Forgotten` in a dict."""

    def __init__(self) -> None:
        self.stored: dict[str, datetime] = {}

    async def remember(self, address_key: str, at: datetime) -> None:
        """See `Forgotten.remember`."""
        self.stored[address_key] = max(at, self.stored.get(address_key, at))

    async def until(self, address_key: str) -> datetime | None:
        """See `Forgotten.until`."""
        return self.stored.get(address_key)
