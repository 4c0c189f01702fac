"""Data keys under the newest version of the key that wraps them: what lets an old version be destroyed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shared.boxes import Tampered
from shared.personal import PersonKeys, WrappedKey

BATCH = 500


class Rewrappable(Protocol):
    """A store of data keys, seen by whoever rewraps them."""

    async def versions(self) -> Mapping[int, int]:
        """How many data keys need each version of the wrapping key; tombstones need none."""

    async def outdated(self, version: int, *, after: str, limit: int) -> list[WrappedKey]:
        """Keys that need a version below this one, by person, of persons behind `after`."""

    async def exchange(self, pairs: Sequence[tuple[WrappedKey, WrappedKey]]) -> int:
        """Put each new key in the place of its old one where that still is there; how many were. Durable on return.

        Raises:
            ValueError: a pair of two persons.
        """


@dataclass(slots=True)
class Rewrapped:
    """What a run has done: how many keys, and whose could not be opened."""

    done: int = 0
    unreadable: list[str] = field(default_factory=list)


async def rewrap_all(store: Rewrappable, keys: PersonKeys, *, batch: int = BATCH) -> Rewrapped:
    """Wrap every outdated data key by the current version.

    Running processes are not disturbed: a data key stays the same, and one that was erased or exchanged meanwhile is
    left as it is. May be ended at any moment and begun again; what is done is passed over.

    Raises:
        TransientError: the database is away.
    """
    outcome, after = Rewrapped(), ""
    while found := await store.outdated(keys.current_version, after=after, limit=batch):
        after = found[-1].person_id
        pairs = [(wrapped, new) for wrapped in found if (new := _rewrapped(keys, wrapped, outcome))]
        outcome.done += await store.exchange(pairs) if pairs else 0
    return outcome


def _rewrapped(keys: PersonKeys, wrapped: WrappedKey, outcome: Rewrapped) -> WrappedKey | None:
    try:
        return keys.rewrap(wrapped)
    except Tampered:
        outcome.unreadable.append(wrapped.person_id)
        return None
