"""Data keys in memory, for tests."""

from collections import Counter
from collections.abc import Mapping, Sequence

from shared.personal import WrappedKey


class MemoryDataKeys:
    """A `DataKeys` store. `stored` is what a database would hold, `erased` its tombstones; look and tamper at will."""

    def __init__(self) -> None:
        self.stored: dict[str, WrappedKey] = {}
        self.erased: set[str] = set()
        self.reads = 0

    async def find(self, person_id: str) -> WrappedKey | None:
        """See `DataKeys`."""
        self.reads += 1
        return self._alive().get(person_id)

    async def find_many(self, person_ids: Sequence[str]) -> dict[str, WrappedKey]:
        """See `DataKeys`."""
        alive = self._alive()
        return {person_id: alive[person_id] for person_id in person_ids if person_id in alive}

    async def add(self, wrapped: WrappedKey) -> None:
        """See `DataKeys`."""
        if wrapped.person_id not in self.erased:
            self.stored.setdefault(wrapped.person_id, wrapped)

    async def remove(self, person_id: str) -> bool:
        """See `DataKeys`."""
        self.erased.add(person_id)
        return self.stored.pop(person_id, None) is not None

    async def withdraw(self, person_id: str) -> None:
        """See `DataKeys`."""
        self.stored.pop(person_id, None)

    async def versions(self) -> Mapping[int, int]:
        """See `Rewrappable`."""
        return dict(Counter(wrapped.kek_version for wrapped in self._alive().values()))

    async def outdated(self, version: int, *, after: str, limit: int) -> list[WrappedKey]:
        """See `Rewrappable`."""
        found = [wrapped for id, wrapped in sorted(self._alive().items()) if id > after]  # noqa: A001 - the person's
        return [wrapped for wrapped in found if wrapped.kek_version < version][:limit]

    async def exchange(self, pairs: Sequence[tuple[WrappedKey, WrappedKey]]) -> int:
        """See `Rewrappable`."""
        if any(old.person_id != new.person_id for old, new in pairs):
            raise ValueError("a data key keeps its person")
        done = {new.person_id: new for old, new in pairs if self._alive().get(old.person_id) == old}
        self.stored |= done
        return len(done)

    def _alive(self) -> dict[str, WrappedKey]:
        return {id: wrapped for id, wrapped in self.stored.items() if id not in self.erased}  # noqa: A001
