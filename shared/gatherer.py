"""Callers that arrive together share one call: one command to the database then serves all of them.

An idle gatherer works at once; the others gather behind what is under way. `shared.gather` (writes), `shared.reads`
and the hot paths of services stand on it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from shared.errors import TransientError

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")

MAX_BATCH = 500


class Gatherer(Generic[ItemT, AnswerT]):
    """Hands items to `work` in batches, and its answers back to the callers.

    A cancelled caller does not take its item back: it may or may not have been worked on, as with any lost answer.

    Args:
        work: answers a batch, in its order. An answer that is an exception is raised in its own caller; what `work`
            raises is raised in each caller of the batch.
        at_once: batches under way at the same time. With one, callers who come back after each answer fall into two
            halves that wait for each other; with two nobody waits for more than one call.
        apart: items with equal values other than None never share a batch.
        pace_s: a batch begins no sooner than so many seconds after the one before, so that more come along where many
            ask; who comes after a pause as long finds it idle.
    """

    def __init__(
        self,
        work: Callable[[Sequence[ItemT]], Awaitable[Sequence[AnswerT | Exception]]],
        *,
        at_once: int = 1,
        max_batch: int = MAX_BATCH,
        apart: Callable[[ItemT], Hashable | None] = lambda _: None,
        pace_s: float = 0.0,
    ) -> None:
        self._work = work
        self._at_once = at_once
        self._max_batch = max_batch
        self._apart = apart
        self._pace_s = pace_s
        self._next_at = 0.0
        self._waiting: list[tuple[ItemT, asyncio.Future[AnswerT]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = 0

    async def submit(self, item: ItemT) -> AnswerT:
        """The answer for one item."""
        return await self.enqueue(item)

    def enqueue(self, item: ItemT) -> asyncio.Future[AnswerT]:
        """As `submit`, for a caller with more than one item: none of them needs a task to wait in."""
        future: asyncio.Future[AnswerT] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running < self._at_once and len(self._waiting) == 1:
            # Not a stray task: every caller awaits its own answer, which such a task alone gives.
            self._running += 1
            task = asyncio.create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return future

    async def _run(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(self._until_next_s())  # callers that are ready in this turn of the loop come along
                await self._answer(self._next_batch())
        except asyncio.CancelledError:
            waiting, self._waiting = self._waiting, []
            _fail(waiting, TransientError("shutting down"))
            raise
        finally:
            # In the same turn as the look at `_waiting`: an item that comes after it finds room for a new task.
            self._running -= 1

    def _until_next_s(self) -> float:
        """How long to wait before the next batch, which is taken to begin then."""
        now = asyncio.get_running_loop().time()
        begins_at = max(now, self._next_at)
        self._next_at = begins_at + self._pace_s
        return begins_at - now

    def _next_batch(self) -> list[tuple[ItemT, "asyncio.Future[AnswerT]"]]:
        batch: list[tuple[ItemT, asyncio.Future[AnswerT]]] = []
        later: list[tuple[ItemT, asyncio.Future[AnswerT]]] = []
        taken: set[Hashable] = set()
        for item, future in self._waiting:
            key = self._apart(item)
            if len(batch) == self._max_batch or key in taken:
                later.append((item, future))
                continue
            batch.append((item, future))
            if key is not None:
                taken.add(key)
        self._waiting = later
        return batch

    async def _answer(self, batch: Sequence[tuple[ItemT, "asyncio.Future[AnswerT]"]]) -> None:
        try:
            answers = await self._work([item for item, _ in batch])
        except asyncio.CancelledError:
            _fail(batch, TransientError("shutting down"))
            raise
        except Exception as error:  # noqa: BLE001 - it is raised again, in each caller whose item it was
            _fail(batch, error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)


def _fail(batch: Sequence[tuple[object, "asyncio.Future[AnswerT]"]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
