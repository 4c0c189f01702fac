"""Writing behind: what the hot path only notes is written every few seconds, and once more at the end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def written_behind(flush: Callable[[], Awaitable[None]], *, every_s: float) -> AsyncIterator[None]:
    """Call `flush`, which must not raise, every few seconds while the block runs, and once more at its end."""
    stop = asyncio.Event()
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        group.create_task(_repeat(flush, every_s, stop))
        try:
            yield
        except Exception as error:  # noqa: BLE001 - raised again below: the group would wrap the block's refusal
            failure = error
        finally:
            stop.set()
    if failure is not None:
        raise failure


async def _repeat(flush: Callable[[], Awaitable[None]], every_s: float, stop: asyncio.Event) -> None:
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every_s)
        await flush()
        if stop.is_set():  # also where it was before the first turn
            return
