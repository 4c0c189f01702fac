"""Keeps parts running, as a container platform would: starts in order, restarts what dies, stops in reverse order."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from deploy.local.board import Board
from deploy.local.layout import private_directory
from deploy.local.parts import NotReady, Part
from deploy.local.processes import Process, kill_group

TETHER = Path(__file__).with_name("tether.py")
BACK_OFF_S = (0.0, 0.25, 0.5, 1.0, 2.0)
LONG_LIFE_S = 10.0
ASK_AGAIN_S, SELDOM_S = 0.1, 1.0
LOG_LIMIT_BYTES = 8 * 1024 * 1024


class Supervisor:
    """Runs parts until `stop` is called. It starts all of them itself; it adopts none."""

    def __init__(self, parts: list[Part], *, board: Board, logs: Path) -> None:
        self._parts = {part.name: part for part in parts}
        self._board = board
        self._logs = private_directory(logs)
        self._stopping = asyncio.Event()
        self._ready = {name: asyncio.Event() for name in self._parts}
        self._ended = {name: asyncio.Event() for name in self._parts}

    def stop(self) -> None:
        """Begin to stop: what others need goes last."""
        self._stopping.set()

    async def run(self) -> None:
        """Until everything has been stopped."""
        async with asyncio.TaskGroup() as group:
            for part in self._parts.values():
                group.create_task(self._keep(part), name=part.name)

    async def _keep(self, part: Part) -> None:
        try:
            await self._unless_stopping(self._begin(part))
            misfortunes = 0
            while not self._stopping.is_set():
                begun = asyncio.get_running_loop().time()
                await self._live(part)
                lived_s = asyncio.get_running_loop().time() - begun
                misfortunes = 0 if lived_s > LONG_LIFE_S else min(misfortunes + 1, len(BACK_OFF_S) - 1)
                await self._unless_stopping(asyncio.sleep(BACK_OFF_S[misfortunes] if misfortunes > 1 else 0))
        finally:
            self._board.stopped(part.name)
            self._ended[part.name].set()

    async def _begin(self, part: Part) -> None:
        for name in part.first_after:
            await self._ready[name].wait()
        await self._repeat(part, part.first)
        for name in part.after:
            await self._ready[name].wait()

    async def _live(self, part: Part) -> None:
        """One life of the part, from its start until nothing of it is left."""
        try:
            await part.prepare()
            process = await self._start(part)
        except OSError as error:
            self._board.trouble(part.name, f"cannot start: {error.strerror}")
            return
        self._board.started(part.name, Process.of(process.pid))
        settling = asyncio.create_task(self._settle(part))
        dying = asyncio.create_task(process.wait())
        dismissing = asyncio.create_task(self._time_to_go(part))
        try:
            await asyncio.wait([dying, dismissing], return_when=asyncio.FIRST_COMPLETED)
            if not dying.done():
                await _end(process, patience_s=part.stop_s)
        finally:
            for task in (settling, dismissing):
                task.cancel()
            await asyncio.gather(settling, dismissing, return_exceptions=True)
            kill_group(process.pid)
            await dying
            self._board.died(part.name, f"ended with {process.returncode}")

    async def _start(self, part: Part) -> asyncio.subprocess.Process:
        log = self._logs / f"{part.name}.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            os.fchmod(output.fileno(), 0o600)
            return await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *part.command,
                env=dict(part.environ), cwd=part.folder, start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip

    async def _settle(self, part: Part) -> None:
        await self._repeat(part, part.settle)
        self._board.ready(part.name)
        self._ready[part.name].set()

    async def _repeat(self, part: Part, step: Callable[[], Awaitable[None]]) -> None:
        pause_s = ASK_AGAIN_S
        while True:
            try:
                await step()
                return
            except NotReady as reason:
                self._board.trouble(part.name, str(reason))
            except Exception as error:  # noqa: BLE001 - the supervisor must outlive whatever a part's own step does wrong
                self._board.trouble(part.name, f"{type(error).__name__}: {error}")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.3, SELDOM_S)

    async def _time_to_go(self, part: Part) -> None:
        await self._stopping.wait()
        for other in self._parts.values():
            if part.name in other.after:
                await self._ended[other.name].wait()

    async def _unless_stopping(self, work: Coroutine[Any, Any, None]) -> None:
        task, stopping = asyncio.create_task(work), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([task, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (task, stopping):
                one.cancel()
            await asyncio.gather(task, stopping, return_exceptions=True)


async def _end(process: asyncio.subprocess.Process, *, patience_s: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(patience_s):
            await process.wait()
    except TimeoutError:
        kill_group(process.pid)
