"""The supervisor as a process: `python -m deploy.local supervise`, started by `up`, ended by `down`."""

import asyncio
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from deploy.local.addresses import write_stack_file
from deploy.local.board import Board, Row, write_rows
from deploy.local.layout import Layout
from deploy.local.parts import Part
from deploy.local.plan import open_stack, parts_of
from deploy.local.processes import Process
from deploy.local.supervisor import Supervisor


class AlreadyRunning(Exception):
    """Another supervisor holds the lock."""


@contextmanager
def only_one(layout: Layout) -> Iterator[None]:
    """Hold the lock of this checkout. The kernel gives it back when the process ends, however it ends.

    Raises:
        AlreadyRunning: somebody else holds it.
    """
    with open(layout.lock_file, "a+") as lock:
        os.fchmod(lock.fileno(), 0o600)
        _take(lock)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _take(lock: IO[str]) -> None:
    deadline = time.monotonic() + 1  # somebody may hold it for a moment, to see whether it is held
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise AlreadyRunning from None
            time.sleep(0.02)


def is_running(layout: Layout) -> bool:
    """Whether a supervisor holds the lock now."""
    try:
        with open(layout.lock_file) as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def supervise(layout: Layout, environ: Mapping[str, str]) -> int:
    """Run the stack until SIGTERM."""
    stack = open_stack(layout, environ)
    me = Process.of(os.getpid())

    def publish(rows: Mapping[str, Row]) -> None:
        write_stack_file(stack, rows, supervisor=me)

    return run_parts(layout, parts_of(stack), publish=publish)


def run_parts(layout: Layout, parts: list[Part], *, publish: Callable[[Mapping[str, Row]], None] | None = None) -> int:
    """Keep parts running until SIGTERM; `publish` hears of every change, and again at SIGHUP."""
    os.umask(0o077)
    try:
        with only_one(layout):
            asyncio.run(_run(layout, parts, publish))
    except AlreadyRunning:
        return 1
    return 0


async def _run(layout: Layout, parts: list[Part], publish: Callable[[Mapping[str, Row]], None] | None) -> None:
    me = Process.of(os.getpid())

    def changed(rows: Mapping[str, Row]) -> None:
        write_rows(layout.run_file, rows, supervisor=me)
        if publish:
            publish(rows)

    board = Board([part.name for part in parts], changed=changed)
    supervisor = Supervisor(parts, board=board, logs=layout.logs)
    board.repeat()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, supervisor.stop)
    loop.add_signal_handler(signal.SIGHUP, board.repeat)
    await supervisor.run()
