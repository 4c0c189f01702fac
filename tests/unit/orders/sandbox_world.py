"""The sandbox on a ledger, for `ProviderSuite`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.orders.payments.ledger import Ledger
from services.orders.payments.sandbox import Sandbox
from shared.testing.clock import FixedClock
from tests.unit.orders.provider_suite import Bench
from tests.unit.orders.world import ANSWERS_LATE, CHARGES_LATE


@asynccontextmanager
async def sandbox_bench(ledger: Ledger) -> AsyncIterator[Bench]:
    """A sandbox, and what a test does beside it."""
    gave_up = asyncio.Event()

    async def pause() -> None:
        await gave_up.wait()

    async with asyncio.TaskGroup() as late:
        url = "https://shop.example/bank"
        sandbox = Sandbox(ledger, clock=FixedClock(), late=late, pause=pause, actions_url=url)

        async def callers_gave_up() -> None:
            gave_up.set()
            await asyncio.gather(*sandbox.under_way)

        async def act(order_id: str, approved: bool) -> None:
            await sandbox.act(order_id, approved=approved)

        yield Bench(
            sandbox,
            act=act,
            lose_the_answer=lambda: ANSWERS_LATE,
            charge_late=lambda: CHARGES_LATE,
            callers_gave_up=callers_gave_up,
        )
        sandbox.stop()
