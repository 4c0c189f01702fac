"""Writing behind: what the hot path only notes is written every few seconds, or at once, and once more at the end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress


def written_behind(flush: Callable[[], Awaitable[None]], *, every_s: float) -> AbstractAsyncContextManager[None]:
    """Call `flush`, which must not raise, every few seconds while the block runs, and once more at its end."""
    return beside(flush, wake=asyncio.Event(), every_s=every_s)


@asynccontextmanager
async def beside(
    work: Callable[[], Awaitable[None]], *, wake: asyncio.Event, every_s: float | None = None
) -> AsyncIterator[None]:
    """Call `work`, which must not raise, whenever `wake` is set while the block runs, and once more at its end.

    `every_s`: also after so many seconds in which nobody woke it.
    """
    is_over = False
    failure: Exception | None = None

    async def repeat() -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), every_s)
            wake.clear()
            is_last = is_over
            await work()
            if is_last:  # also where the block was over before the first turn
                return

    async with asyncio.TaskGroup() as group:
        group.create_task(repeat())
        try:
            yield
        except Exception as error:  # noqa: BLE001 - raised again below: the group would wrap the block's refusal
            failure = error
        finally:
            is_over = True
            wake.set()
    if failure is not None:
        raise failure
