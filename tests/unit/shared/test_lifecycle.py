"""Real processes and real signals, around a shop without database and broker."""

import asyncio
import json
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from shared.health import HEALTH
from shared.lifecycle import end_task

ROOT = Path(__file__).parents[3]
PATIENCE_S = 20


class Process:
    def __init__(self, process):
        self.process = process
        self.lines = []

    async def until(self, event):
        while True:
            line = await self.process.stdout.readline()
            assert line, f"ended before {event!r}: {self.lines}"
            self.lines.append(json.loads(line))
            if self.lines[-1]["event"] == event:
                return self.lines[-1]

    async def end(self):
        rest = await self.process.stdout.read()
        self.lines += [json.loads(line) for line in rest.splitlines()]
        return await self.process.wait()

    def events(self):
        return [line["event"] for line in self.lines]

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)


@asynccontextmanager
async def process(*arguments):
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.unit.shared.example.process", *arguments,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield Process(started)
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


@asynccontextmanager
async def request_in_flight(port, path):
    """A request that the handler has begun: the next answer on its connection is its own."""
    async with aiohttp.ClientSession() as session:
        task = asyncio.create_task(session.get(f"http://127.0.0.1:{port}{path}"))
        await begun(port, session)
        yield task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def begun(port, session):
    async with session.get(f"http://127.0.0.1:{port}/entered") as response:
        assert response.status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_requests_before_the_work_ends(number):
    async with process() as shop:
        port = (await shop.until("ready"))["port"]
        async with request_in_flight(port, "/finish") as request:
            shop.signal(number)
            response = await request
            assert (response.status, await response.text()) == (200, "done")
        assert await shop.end() == 0

    order = [event for event in shop.events() if event in ("stopping", "draining", "request", "work ended", "closed")]
    assert order[-5:] == ["stopping", "draining", "request", "work ended", "closed"]


async def test_a_stopped_process_accepts_nothing_new():
    async with process() as shop:
        port = (await shop.until("ready"))["port"]
        async with request_in_flight(port, "/api/orders/sleep"):
            shop.signal()
            await shop.until("draining")
            with pytest.raises(OSError, match=r"[Cc]onnect"):
                await asyncio.open_connection("127.0.0.1", port)


async def test_a_second_signal_ends_it_at_once():
    async with process() as shop:
        port = (await shop.until("ready"))["port"]
        async with request_in_flight(port, "/api/orders/sleep"):
            shop.signal()
            await shop.until("draining")
            shop.signal()
            assert await shop.end() == 128 + signal.SIGTERM
    assert "work ended" not in shop.events()


async def test_a_signal_during_the_start_ends_the_start():
    async with process("slow") as shop:
        await shop.until("starting")
        shop.signal()

        assert await shop.end() == 128 + signal.SIGTERM


async def test_work_that_crashes_ends_the_process_with_an_error():
    async with process("crash") as shop:
        status = await shop.end()

    assert status not in (0, None)
    assert "closed" not in shop.events()


async def test_a_draining_process_is_not_ready(client, shop):
    client.app[HEALTH].drain()

    response = await client.get("/readyz")

    assert (response.status, await response.json()) == (503, {"ready": False, "missing": ["draining"]})
    assert (await client.get("/livez")).status == 200


async def test_whoever_is_cancelled_while_ending_a_task_stays_cancelled() -> None:
    is_ending, may_end = asyncio.Event(), asyncio.Event()

    async def slow_to_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            is_ending.set()
            await may_end.wait()

    task = asyncio.create_task(slow_to_end())
    await asyncio.sleep(0)
    ending = asyncio.create_task(end_task(task))
    async with asyncio.timeout(5):
        await is_ending.wait()
        ending.cancel()
        await asyncio.wait([ending, task])

    assert ending.cancelled()


async def test_a_task_that_ends_with_an_error_has_ended() -> None:
    async def failing() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)

    await end_task(task)

    assert isinstance(task.exception(), ValueError)
