"""Threads for long computations beside an event loop that must stay quick: few, with a bounded queue.

What is computed while others wait is handed over together: their requests then go on together, and share the commands
that they give to the database (`shared.gatherer`). Under full load that leaves nearly all of the processors to the
hashing itself; docs/performance.md has the figures.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from shared.errors import TransientError

ResultT = TypeVar("ResultT")

KEPT_S = 0.2
_TOGETHER = 8


class HashPool:
    """Computes on `threads` threads; `queue` more computations may wait.

    Args:
        kept_s: how long a result may be kept back for those of others; none is where nobody waits.
    """

    def __init__(self, *, threads: int, queue: int, kept_s: float = KEPT_S) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._few = 2 * threads
        self._most = threads + queue
        self._kept_s = kept_s
        self._inside = 0
        self._computed: list[tuple[asyncio.Future[Any], Future[Any]]] = []
        self._timer: asyncio.TimerHandle | None = None

    def run_blocking(self, compute: Callable[[], ResultT]) -> ResultT:
        """Compute on one of the threads while the caller's own stands still: for the time before there is a loop."""
        return self._executor.submit(compute).result()

    async def run(self, compute: Callable[[], ResultT]) -> ResultT:
        """What `compute` returns or raises. A cancelled caller's computation is not begun any more, or ends unseen.

        Raises:
            TransientError: the queue is full, or the pool closes.
        """
        if self._inside >= self._most:
            raise TransientError("too many passwords are being checked", retry_after_s=2)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[ResultT] = loop.create_future()
        job = self._executor.submit(compute)
        self._inside += 1
        job.add_done_callback(partial(self._report, loop, answer))
        try:
            return await answer
        except asyncio.CancelledError:
            job.cancel()
            raise

    def close(self) -> None:
        """Let the threads end; what waits is not begun, and its callers are told to come again."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _report(self, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[Any], job: Future[Any]) -> None:
        """On whatever thread the job ended."""
        with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
            loop.call_soon_threadsafe(self._end, answer, job)

    def _end(self, answer: asyncio.Future[Any], job: Future[Any]) -> None:
        # A place is free when the computation has ended, not when its caller goes away: it may still be running.
        self._inside -= 1
        self._computed.append((answer, job))
        if self._inside <= self._few or len(self._computed) >= _TOGETHER:  # few: the threads will soon want new work
            self._hand_over()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._kept_s, self._hand_over)

    def _hand_over(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        computed, self._computed = self._computed, []
        for answer, job in computed:
            _settle(answer, job)


def _settle(answer: asyncio.Future[Any], job: Future[Any]) -> None:
    if answer.done():
        return
    if job.cancelled():
        answer.set_exception(TransientError("shutting down"))
    elif (error := job.exception()) is not None:
        answer.set_exception(error)
    else:
        answer.set_result(job.result())
