"""Claims in memory, against the model."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from hypothesis import settings

from shared.events import Event
from tests.unit.warranty.claims_machine import ClaimsMachine
from tests.unit.warranty.world import World


class MemoryMachine(ClaimsMachine):
    def __init__(self) -> None:
        self.loop = asyncio.Runner()
        super().__init__()

    def open_world(self) -> World:
        return World()

    def wait_for(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run(work)

    async def outbox(self) -> Sequence[Event]:
        return self.world.claims.events

    def teardown(self) -> None:
        self.loop.close()


TestClaims = MemoryMachine.TestCase
TestClaims.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)
