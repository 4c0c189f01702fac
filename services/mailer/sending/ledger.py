"""Marks and results of many connections in few writes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from services.mailer.sending.domain import Result, Terms
from services.mailer.sending.store import Claims
from shared.clock import Clock
from shared.gatherer import Gatherer

_MARKS_APART_S = 0.002
"""A connection waits for its mark: long enough that others come along, short beside the write itself."""
_RESULTS_APART_S = 0.01
"""Nothing waits for a result but the next copy of one worker, and there are several for each connection."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One live claim."""

    subscriber_id: str
    terms: Terms


class Ledger:
    """Writes the ledger of one run."""

    def __init__(self, claims: Claims, clock: Clock) -> None:
        self._claims = claims
        self._clock = clock
        self._marks: Gatherer[Entry, bool] = Gatherer(self._mark, at_once=2, pace_s=_MARKS_APART_S)
        self._results: Gatherer[tuple[Entry, Result], None] = Gatherer(self._settle, pace_s=_RESULTS_APART_S)

    async def mark_dot(self, entry: Entry) -> bool:
        """Whether the copy may be handed over: its claim stands, and that it is at its dot is stored."""
        return await self._marks.submit(entry)

    async def settle(self, entry: Entry, result: Result) -> None:
        """Store what became of the copy."""
        await self._results.submit((entry, result))

    async def _mark(self, entries: Sequence[Entry]) -> list[bool]:
        by_fence: dict[str, list[str]] = defaultdict(list)
        for entry in entries:
            by_fence[entry.terms.fence].append(entry.subscriber_id)
        marked = {fence: await self._claims.mark_dot(ids, fence) for fence, ids in by_fence.items()}
        return [entry.subscriber_id in marked[entry.terms.fence] for entry in entries]

    async def _settle(self, endings: Sequence[tuple[Entry, Result]]) -> list[None]:
        groups: dict[tuple[str, Result], list[str]] = defaultdict(list)
        for entry, result in endings:
            groups[entry.terms.fence, result].append(entry.subscriber_id)
        for (fence, result), ids in groups.items():
            await self._claims.settle(ids, fence, result, at=self._clock())
        return [None] * len(endings)
