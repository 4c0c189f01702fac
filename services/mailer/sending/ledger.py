"""Marks and results of many connections in few writes."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from services.mailer.sending.domain import Result, Terms
from services.mailer.sending.store import Claims
from shared.clock import Clock
from shared.gatherer import Gatherer

_MARKS_APART_S = 0.002
"""A connection waits for its mark: long enough that others come along, short beside the write itself."""
_RESULTS_APART_S = 0.02
"""Nobody waits for the result of a copy that was at its dot."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One live claim."""

    subscriber_id: str
    terms: Terms


class Ledger:
    """Writes the ledger of one run.

    Args:
        most_open: copies at their dot whose result is not stored yet. So many are left unknown by a process that is
            killed; one more waits for its mark until a result is stored.
        stored: told each result that is stored.
        failed: told why results could not be stored, where nobody waits for them.
    """

    def __init__(
        self,
        claims: Claims,
        clock: Clock,
        *,
        most_open: int,
        stored: Callable[[Result], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._claims = claims
        self._clock = clock
        self._stored = stored
        self._failed = failed
        self._room = asyncio.Semaphore(most_open)
        self._open: dict[str, asyncio.Future[None] | None] = {}
        self._marks: Gatherer[Entry, bool] = Gatherer(self._mark, at_once=2, pace_s=_MARKS_APART_S)
        self._results: Gatherer[tuple[Entry, Result], None] = Gatherer(self._settle, pace_s=_RESULTS_APART_S)

    async def mark_dot(self, entry: Entry) -> bool:
        """Whether the copy may be handed over: its claim stands, and that it is at its dot is stored."""
        await self._room.acquire()
        stands = False
        try:
            stands = await self._marks.enqueue(entry)
        finally:
            if stands:
                self._open[entry.subscriber_id] = None
            else:
                self._room.release()
        return stands

    async def settle(self, entry: Entry, result: Result) -> None:
        """Store what became of the copy; of one that was at its dot soon, without a wait: see `close`."""
        ending = self._results.enqueue((entry, result))
        if entry.subscriber_id not in self._open:
            await ending
            self._stored(result)
            return
        self._open[entry.subscriber_id] = ending
        ending.add_done_callback(partial(self._close, entry.subscriber_id, result))

    def _close(self, subscriber_id: str, result: Result, ending: "asyncio.Future[None]") -> None:
        del self._open[subscriber_id]
        self._room.release()
        if ending.cancelled():
            return
        trouble = ending.exception()
        if trouble is None:
            self._stored(result)
        else:
            self._failed(trouble)

    async def close(self) -> None:
        """Until every result is stored, or could not be."""
        while endings := [ending for ending in self._open.values() if ending is not None]:
            await asyncio.wait(endings)

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
