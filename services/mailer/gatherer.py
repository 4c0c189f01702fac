"""Callers that arrive together share one call: one database write then serves every connection that waits for it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")


class Gatherer(Generic[ItemT, AnswerT]):
    """Hands items to `work` in batches. An idle gatherer works at once; the others gather behind what is under way.

    Args:
        work: answers a batch, in its order. What it raises is raised in each caller of the batch.
        at_once: batches under way at the same time. With one, callers who come back after each answer fall into two
            halves that wait for each other; with two nobody waits for more than one call.
    """

    def __init__(self, work: Callable[[Sequence[ItemT]], Awaitable[Sequence[AnswerT]]], *, at_once: int = 1) -> None:
        self._work = work
        self._at_once = at_once
        self._waiting: list[tuple[ItemT, asyncio.Future[AnswerT]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, item: ItemT) -> AnswerT:
        """The answer for one item. A cancelled caller does not take it back."""
        future: asyncio.Future[AnswerT] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if len(self._waiting) == 1 and len(self._tasks) < self._at_once:
            # Not a stray task: every caller awaits its own answer, which such a task alone gives.
            task = asyncio.create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _run(self) -> None:
        await asyncio.sleep(0)  # callers that are ready in this turn of the loop come along
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                answers = await self._work([item for item, _ in batch])
            except asyncio.CancelledError:
                for _, future in [*batch, *self._waiting]:
                    future.cancel()
                raise
            except Exception as error:  # noqa: BLE001 - it is raised again, in each caller
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), answer in zip(batch, answers, strict=True):
                    if not future.done():
                        future.set_result(answer)
