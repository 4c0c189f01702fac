"""Data keys in memory, for tests."""

from shared.personal import WrappedKey


class MemoryDataKeys:
    """A `DataKeys` store. `stored` is what a database would hold; tests may look and tamper."""

    def __init__(self) -> None:
        self.stored: dict[str, WrappedKey] = {}
        self.reads = 0

    async def find(self, person_id: str) -> WrappedKey | None:
        """See `DataKeys`."""
        self.reads += 1
        return self.stored.get(person_id)

    async def add(self, wrapped: WrappedKey) -> None:
        """See `DataKeys`."""
        self.stored.setdefault(wrapped.person_id, wrapped)

    async def remove(self, person_id: str) -> bool:
        """See `DataKeys`."""
        return self.stored.pop(person_id, None) is not None
