"""The life of a process: harden, run until a signal, drain, close in reverse order of opening."""

import asyncio
import gc
import os
import resource
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

import structlog
import uvloop
from aiohttp import web

from shared.health import HEALTH
from shared.http.draining import drain, listening_socket
from shared.http.server import Runner
from shared.settings import BaseSettings

KEEPALIVE_S = 75  # longer than the gateway's, so that it is the gateway who closes
COLLECT_AFTER = 25_000
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger()


class Stop:
    """The wish to stop. The first signal ends what runs in good order, a second one ends the process at once."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._main = asyncio.current_task()
        self._waiting = False
        self.signal = 0

    async def wait(self) -> None:
        """Return when the process is to stop. Before anybody waits, a signal cancels the start."""
        self._waiting = True
        await self._asked.wait()

    def receive(self, number: int) -> None:
        """What a signal does."""
        if self.signal:
            os._exit(128 + number)
        self.signal = number
        log.info("stopping", signal=signal.Signals(number).name)
        self._asked.set()
        if not self._waiting and self._main is not None:
            self._main.cancel()


def run(main: Callable[[Stop], Awaitable[int]]) -> int:
    """Run `main` on uvloop until it returns or a signal stops it; returns the process's exit status."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold keys and card numbers
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_until_stopped(main))


async def _until_stopped(main: Callable[[Stop], Awaitable[int]]) -> int:
    stop = Stop()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.receive, number)
    try:
        return await main(stop)
    except asyncio.CancelledError:
        if not stop.signal:
            raise
        return 128 + stop.signal
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def serve_until_stopped(
    app: web.Application,
    settings: BaseSettings,
    *,
    stop: Stop,
    beside: AbstractAsyncContextManager[object] | None = None,
) -> None:
    """Serve `app`, with `beside` (the process's other work) running, until `stop`.

    Then, in this order: /readyz says no, nothing new is accepted, requests in flight may end within
    `shutdown_grace_s`, `beside` ends. A crash of `beside` ends the same way and is raised.
    """
    async with beside or nullcontext(), listening(app, settings) as port:
        set_heap_aside()
        log.info("ready", port=port)
        await stop.wait()


def set_heap_aside() -> None:
    """Tell the collector to leave alone what was loaded to start, which stays, and to look less often at the rest.

    By default it looks after every 700 new objects; what this is worth stands in docs/performance.md.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 50)


@asynccontextmanager
async def listening(app: web.Application, settings: BaseSettings) -> AsyncIterator[int]:
    """Accept requests while the block runs; yields the port. On leaving, requests in flight are waited for."""
    runner = Runner(
        app,
        access_log=None,  # ours knows templates instead of paths
        handle_signals=False,
        handler_cancellation=False,  # a client that leaves must not stop a write halfway
        keepalive_timeout=KEEPALIVE_S,
        shutdown_timeout=settings.shutdown_grace_s / 2,  # aiohttp waits twice, then cancels
    )
    await runner.setup()
    try:
        with listening_socket(settings.http_host, settings.http_port) as listener:
            site = web.SockSite(runner, listener, backlog=1024)
            await site.start()
            try:
                yield int(listener.getsockname()[1])
            finally:
                app[HEALTH].drain()
                runner.drain()
                if server := runner.server:
                    await drain(site, server, listener)
    finally:
        await runner.cleanup()


async def end_task(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end, however it ends.

    Whoever is cancelled while waiting stays cancelled: `await task` under `suppress(CancelledError)` would take the
    caller's own cancellation for the task's, and go on.
    """
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
