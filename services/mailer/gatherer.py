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
    """

    def __init__(self, work: Callable[[Sequence[ItemT]], Awaitable[Sequence[AnswerT]]]) -> None:
        self._work = work
        self._waiting: list[tuple[ItemT, asyncio.Future[AnswerT]]] = []
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: ItemT) -> AnswerT:
        """The answer for one item. A cancelled caller does not take it back."""
        future: asyncio.Future[AnswerT] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None or self._task.done():
            # Not a stray task: every caller awaits its own answer, which this task alone gives.
            self._task = asyncio.create_task(self._run())
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
