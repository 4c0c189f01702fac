"""A supervisor in a test, and everything that it said."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from deploy.local.board import READY, Board, Row
from deploy.local.parts import Part
from deploy.local.processes import Process
from deploy.local.supervisor import Supervisor

PATIENCE_S = 60


class Watched:
    """A supervisor, and everything that its board ever said."""

    def __init__(self, parts: list[Part], logs: Path) -> None:
        self.rows: dict[str, Row] = {}
        self.history: list[Row] = []
        board = Board([part.name for part in parts], changed=self._changed)
        self.supervisor = Supervisor(parts, board=board, logs=logs)
        board.repeat()

    def _changed(self, rows: Mapping[str, Row]) -> None:
        self.history += [row for name, row in rows.items() if self.rows.get(name) != row]
        self.rows = dict(rows)

    async def until(self, seen: Callable[[Mapping[str, Row]], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not seen(self.rows):
                await asyncio.sleep(0.01)

    async def ready(self, name: str, *, restarts: int = 0) -> Process:
        await self.until(lambda rows: name in rows and rows[name].state == READY and rows[name].restarts == restarts)
        process = self.rows[name].process
        assert process
        return process


@contextlib.asynccontextmanager
async def supervised(parts: list[Part], logs: Path) -> AsyncIterator[Watched]:
    watched = Watched(parts, logs)
    running = asyncio.create_task(watched.supervisor.run())
    try:
        yield watched
    finally:
        watched.supervisor.stop()
        async with asyncio.timeout(PATIENCE_S):
            await running
