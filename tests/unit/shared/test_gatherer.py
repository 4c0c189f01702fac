"""Callers that meet share a call; each has its own answer, and nobody waits for ever."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.errors import TransientError
from shared.gatherer import Gatherer

WAIT_S = 5


class Calls:
    """Doubles each item; remembers the batches, and lets the test hold the first one."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        self.entered.set()
        await self.go_on.wait()
        return [ValueError(item) if item < 0 else item * 2 for item in items]


async def test_callers_of_one_turn_share_one_call() -> None:
    calls = Calls()
    gatherer = Gatherer(calls)

    assert await asyncio.gather(*(gatherer.submit(n) for n in range(5))) == [0, 2, 4, 6, 8]
    assert calls.batches == [[0, 1, 2, 3, 4]]


async def test_who_comes_during_a_call_gathers_behind_it() -> None:
    calls = Calls()
    calls.go_on.clear()
    gatherer = Gatherer(calls)
    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as group:
        group.create_task(gatherer.submit(1))
        await calls.entered.wait()
        for n in (2, 3, 4):
            group.create_task(gatherer.submit(n))
        await asyncio.sleep(0)
        calls.go_on.set()

    assert calls.batches == [[1], [2, 3, 4]]


@pytest.mark.parametrize("at_once", [1, 2])
async def test_who_comes_back_after_each_answer_is_never_forgotten(at_once: int) -> None:
    gatherer = Gatherer(Calls(), at_once=at_once)

    async def come_back(n: int) -> int:
        return sum([await gatherer.submit(n) for _ in range(50)])

    async with asyncio.timeout(WAIT_S):
        assert await asyncio.gather(*(come_back(n) for n in range(3))) == [0, 100, 200]


async def test_one_item_fails_alone() -> None:
    gatherer = Gatherer(Calls())

    good, bad = await asyncio.gather(gatherer.submit(1), gatherer.submit(-1), return_exceptions=True)

    assert good == 2
    assert isinstance(bad, ValueError)


async def test_a_call_that_fails_fails_for_all_of_it_and_for_nobody_else() -> None:
    async def work(items: Sequence[int]) -> list[int]:
        if 1 in items:
            raise OSError("away")
        return list(items)

    gatherer = Gatherer(work, apart=lambda item: item // 2)
    answers = await asyncio.gather(*(gatherer.submit(n) for n in (0, 1, 2)), return_exceptions=True)

    assert [type(answer) for answer in answers] == [int, OSError, int]


async def test_items_that_must_be_apart_never_share_a_call() -> None:
    calls = Calls()
    gatherer = Gatherer(calls, apart=lambda item: item % 2 or None)

    await asyncio.gather(*(gatherer.submit(n) for n in (1, 3, 5, 2, 4)))

    assert calls.batches == [[1, 2, 4], [3], [5]]


async def test_a_batch_has_its_limit() -> None:
    calls = Calls()
    gatherer = Gatherer(calls, max_batch=2)

    await asyncio.gather(*(gatherer.submit(n) for n in range(5)))

    assert [len(batch) for batch in calls.batches] == [2, 2, 1]


async def test_a_caller_that_gives_up_leaves_the_others_their_answers() -> None:
    calls = Calls()
    calls.go_on.clear()
    gatherer = Gatherer(calls)
    impatient = asyncio.create_task(gatherer.submit(1))
    patient = asyncio.create_task(gatherer.submit(2))
    await calls.entered.wait()

    impatient.cancel()
    calls.go_on.set()

    assert await patient == 4
    assert impatient.cancelled()


async def test_who_waits_at_the_end_of_the_process_is_told() -> None:
    calls = Calls()
    calls.go_on.clear()
    gatherer = Gatherer(calls)
    waiting = asyncio.create_task(gatherer.submit(1))
    await calls.entered.wait()
    behind = asyncio.create_task(gatherer.submit(2))
    await asyncio.sleep(0)

    for task in asyncio.all_tasks() - {asyncio.current_task(), waiting, behind}:
        task.cancel()

    answers = await asyncio.gather(waiting, behind, return_exceptions=True)
    assert [type(answer) for answer in answers] == [TransientError, TransientError]


async def test_where_many_ask_batches_keep_their_pace() -> None:
    calls = Calls()
    gatherer = Gatherer(calls, pace_s=0.05)
    loop = asyncio.get_running_loop()
    began = loop.time()

    await gatherer.submit(0)
    first = loop.time() - began
    await asyncio.gather(*(gatherer.submit(n) for n in (1, 2)))

    assert loop.time() - began >= 0.05 > first
    assert calls.batches == [[0], [1, 2]]


async def test_whoever_comes_while_a_batch_waits_for_its_turn_comes_along() -> None:
    calls = Calls()
    gatherer = Gatherer(calls, pace_s=0.05)
    await gatherer.submit(0)

    early = asyncio.ensure_future(gatherer.submit(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    late = asyncio.ensure_future(gatherer.submit(2))

    assert await asyncio.gather(early, late) == [2, 4]
    assert calls.batches == [[0], [1, 2]]
