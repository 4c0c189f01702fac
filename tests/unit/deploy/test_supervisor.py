import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from deploy.local.parts import NotReady, Part
from deploy.local.processes import Process
from tests.unit.deploy.supervision import supervised

SLEEPER = (sys.executable, "-c", "import signal; signal.pause()")
_DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf now", flush=True)
while True:
    signal.pause()
"""
DEAF = (sys.executable, "-c", _DEAF)


async def at_once() -> None:
    return None


def a_part(
    name: str,
    folder: Path,
    *,
    command: tuple[str, ...] = SLEEPER,
    after: tuple[str, ...] = (),
    settle: Callable[[], Awaitable[None]] = at_once,
    first: Callable[[], Awaitable[None]] = at_once,
    stop_s: float = 5,
) -> Part:
    return Part(name, command, {"PATH": os.defpath}, settle, folder, after=after, first=first, stop_s=stop_s)


async def test_what_is_killed_comes_back(tmp_path: Path) -> None:
    async with supervised([a_part("shop", tmp_path)], tmp_path) as watched:
        first = await watched.ready("shop")

        os.kill(first.pid, signal.SIGKILL)
        second = await watched.ready("shop", restarts=1)

    assert first.pid != second.pid
    assert not second.is_alive


async def test_a_program_that_always_fails_is_tried_again_and_its_output_kept(tmp_path: Path) -> None:
    failing = a_part("shop", tmp_path, command=(sys.executable, "-c", "print('oh no'); exit(3)"))

    async with supervised([failing], tmp_path) as watched:
        await watched.until(lambda rows: "shop" in rows and rows["shop"].restarts >= 2)

    assert "oh no" in (tmp_path / "shop.log").read_text()
    assert "ended with 3" in [row.note for row in watched.history]


async def test_a_part_waits_for_what_it_needs(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def when_released() -> None:
        if not release.is_set():
            raise NotReady("patience")

    parts = [a_part("shop", tmp_path, after=("database",)), a_part("database", tmp_path, settle=when_released)]
    async with supervised(parts, tmp_path) as watched:
        await watched.until(lambda rows: "database" in rows and rows["database"].note == "patience")
        assert watched.rows["shop"].process is None

        release.set()
        await watched.ready("shop")


async def test_what_others_need_stops_last(tmp_path: Path) -> None:
    parts = [a_part("database", tmp_path), a_part("shop", tmp_path, after=("database",))]
    async with supervised(parts, tmp_path) as watched:
        await watched.ready("shop")

    ended = [row.name for row in watched.history if row.state == "stopped"]
    assert ended == ["shop", "database"]


async def test_who_does_not_listen_is_forced(tmp_path: Path) -> None:
    log = tmp_path / "shop.log"

    async def deaf_now() -> None:
        if not log.read_text():
            raise NotReady("not deaf yet")

    async with supervised([a_part("shop", tmp_path, command=DEAF, settle=deaf_now, stop_s=0.1)], tmp_path) as watched:
        process = await watched.ready("shop")

    assert not process.is_alive


async def test_no_grandchild_survives_its_parent(tmp_path: Path) -> None:
    script = f"import subprocess, sys; print(subprocess.Popen({list(SLEEPER)!r}).pid, flush=True); sys.exit(1)"

    async with supervised([a_part("shop", tmp_path, command=(sys.executable, "-c", script))], tmp_path) as watched:
        await watched.until(lambda rows: "shop" in rows and rows["shop"].restarts >= 1)

    grandchildren = [Process.of(int(pid)) for pid in (tmp_path / "shop.log").read_text().split()]
    assert grandchildren
    async with asyncio.timeout(5):  # a killed process takes a moment to be gone
        while any(process.is_alive for process in grandchildren):
            await asyncio.sleep(0.01)


async def test_first_steps_are_repeated_until_they_succeed_and_never_again(tmp_path: Path) -> None:
    tries = []

    async def third_time_lucky() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("not this time")

    async with supervised([a_part("shop", tmp_path, first=third_time_lucky)], tmp_path) as watched:
        first = await watched.ready("shop")
        os.kill(first.pid, signal.SIGKILL)
        await watched.ready("shop", restarts=1)

    assert len(tries) == 3


async def test_a_program_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    gone = a_part("shop", tmp_path, command=("/nowhere/at-all",))

    async with supervised([gone], tmp_path) as watched:
        await watched.until(lambda rows: "shop" in rows and rows["shop"].restarts >= 1)

    assert "/nowhere/at-all" in (tmp_path / "shop.log").read_text()


@pytest.mark.parametrize("size", [0, 9 * 1024 * 1024])
async def test_a_large_log_is_put_aside_at_the_next_start(tmp_path: Path, size: int) -> None:
    log = tmp_path / "shop.log"
    log.write_bytes(b"\n" * size)

    async with supervised([a_part("shop", tmp_path)], tmp_path) as watched:
        await watched.ready("shop")

    assert log.stat().st_size < 1024
    assert (tmp_path / "shop.log.1").exists() == bool(size)


async def test_first_steps_may_begin_before_everything_else_is_there(tmp_path: Path) -> None:
    release, begun = asyncio.Event(), asyncio.Event()

    async def when_released() -> None:
        if not release.is_set():
            raise NotReady("patience")

    async def begin() -> None:
        begun.set()

    shop = a_part("shop", tmp_path, after=("broker",), first=begin)
    async with supervised([shop, a_part("broker", tmp_path, settle=when_released)], tmp_path) as watched:
        async with asyncio.timeout(10):
            await begun.wait()
        assert watched.rows["shop"].process is None

        release.set()
        await watched.ready("shop")
