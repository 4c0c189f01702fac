"""The pool itself: places, and when results are handed over. Computations wait for gates, never for time."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from services.auth.accounts.hash_pool import HashPool
from shared.errors import TransientError

LONG_S = 60.0
SOON_S = 10.0


class Gate:
    """A computation that takes until it is let go."""

    def __init__(self) -> None:
        self._begun = threading.Event()
        self._open = threading.Event()

    def compute(self) -> str:
        self._begun.set()
        assert self._open.wait(SOON_S)
        return "gate"

    async def begun(self) -> None:
        assert await asyncio.to_thread(self._begun.wait, SOON_S)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def pool() -> Iterator[HashPool]:
    """One thread, four places to wait; results are kept back for as long as the rules allow."""
    pool = HashPool(threads=1, queue=4, kept_s=LONG_S)
    yield pool
    pool.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


async def test_a_result_that_nobody_waits_behind_comes_at_once(pool: HashPool) -> None:
    async with asyncio.timeout(SOON_S):
        assert await pool.run(lambda: 1) == 1


async def test_an_error_comes_to_its_caller(pool: HashPool) -> None:
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 // 0)


async def test_results_are_kept_back_while_others_wait_and_then_come_together(pool: HashPool, gate: Gate) -> None:
    early = [asyncio.create_task(pool.run(lambda: "early")) for _ in range(2)]
    late = [asyncio.create_task(pool.run(each)) for each in (gate.compute, lambda: "late", lambda: "late")]
    await asyncio.sleep(0)
    await gate.begun()
    assert not any(each.done() for each in early)

    gate.open()

    async with asyncio.timeout(SOON_S):
        assert await asyncio.gather(*early, *late) == ["early", "early", "gate", "late", "late"]


async def test_a_result_is_not_kept_for_long(gate: Gate) -> None:
    pool = HashPool(threads=1, queue=4, kept_s=0.01)
    early = asyncio.create_task(pool.run(lambda: "early"))
    late = [asyncio.create_task(pool.run(gate.compute)) for _ in range(4)]

    async with asyncio.timeout(SOON_S):
        assert await early == "early"

    gate.open()
    await asyncio.gather(*late)
    pool.close()


async def test_a_full_pool_refuses_and_says_when_to_come_again(pool: HashPool, gate: Gate) -> None:
    inside = [asyncio.create_task(pool.run(gate.compute)) for _ in range(5)]
    await asyncio.sleep(0)

    with pytest.raises(TransientError) as refusal:
        await pool.run(lambda: 1)

    assert refusal.value.retry_after_s == 2
    gate.open()
    await asyncio.gather(*inside)
    assert await pool.run(lambda: 1) == 1


async def test_what_a_caller_who_left_waited_for_is_not_begun(pool: HashPool, gate: Gate) -> None:
    computed: list[int] = []
    busy = asyncio.create_task(pool.run(gate.compute))
    gone = asyncio.create_task(pool.run(lambda: computed.append(1)))
    await asyncio.sleep(0)
    await gate.begun()

    gone.cancel()
    [left] = await asyncio.gather(gone, return_exceptions=True)  # has left before the thread can take its work up
    gate.open()

    assert isinstance(left, asyncio.CancelledError)
    assert await busy == "gate"
    assert await pool.run(lambda: list(computed)) == []


async def test_what_runs_keeps_its_place_when_its_caller_leaves(gate: Gate) -> None:
    pool = HashPool(threads=1, queue=1, kept_s=LONG_S)
    gone = asyncio.create_task(pool.run(gate.compute))
    await asyncio.sleep(0)
    await gate.begun()
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)

    waiting = asyncio.create_task(pool.run(lambda: 1))
    await asyncio.sleep(0)
    with pytest.raises(TransientError):
        await pool.run(lambda: 2)

    gate.open()
    assert await waiting == 1
    pool.close()


async def test_closing_refuses_what_waits(pool: HashPool, gate: Gate) -> None:
    running = asyncio.create_task(pool.run(gate.compute))
    waiting = asyncio.create_task(pool.run(lambda: "begun"))
    await asyncio.sleep(0)
    await gate.begun()

    pool.close()

    gate.open()
    outcomes = await asyncio.gather(running, waiting, return_exceptions=True)
    assert outcomes[0] == "gate"
    assert isinstance(outcomes[1], TransientError)
