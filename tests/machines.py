"""State machines whose rules are plain functions over stores that are awaited, in memory or on the real database."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

STUCK_S = 20
Waiting = Callable[[Coroutine[Any, Any, Any]], Any]
Opening = Callable[[], Awaitable[Any]]


class Machine(RuleBasedStateMachine):
    """`opening` gives an empty world for each run, `wait_for` what a coroutine gives or raises."""

    def __init__(self, opening: Opening, wait_for: Waiting) -> None:
        super().__init__()
        self.wait_for = wait_for
        self.world: Any = wait_for(_awaited(opening))

    def refused(self, work: Coroutine[Any, Any, Any], *errors: type[Exception]) -> None:
        """It must be."""
        try:
            self.wait_for(work)
        except errors:
            return
        raise AssertionError("the model does not know of this step")


def play_in_memory(machine: type[Machine], opening: Opening, *, runs: int = 60, steps: int = 40) -> None:
    """Every run on a loop of its own."""
    loops: list[asyncio.Runner] = []

    def begin() -> Machine:
        loops.append(asyncio.Runner())
        return machine(opening, loops[-1].run)

    try:
        run_state_machine_as_test(begin, settings=_settings(runs, steps))
    finally:
        for loop in loops:
            loop.close()


async def play_on_database(machine: type[Machine], opening: Opening, *, runs: int = 12, steps: int = 30) -> None:
    """In a thread, for rules are plain functions; each await of theirs runs on this loop, where the database is."""
    loop = asyncio.get_running_loop()

    def wait_for(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(STUCK_S)

    def play() -> None:
        run_state_machine_as_test(lambda: machine(opening, wait_for), settings=_settings(runs, steps))

    await asyncio.to_thread(play)


def _settings(runs: int, steps: int) -> settings:
    return settings(
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )


async def _awaited(opening: Opening) -> Any:
    return await opening()
