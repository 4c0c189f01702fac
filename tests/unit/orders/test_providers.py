from collections.abc import AsyncIterator

import pytest

from tests.unit.orders.doubles import MemoryLedger
from tests.unit.orders.provider_suite import Bench, ProviderSuite
from tests.unit.orders.sandbox_world import sandbox_bench
from tests.unit.orders.stripe_world import at_stripe


class TestSandbox(ProviderSuite):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        async with sandbox_bench(MemoryLedger()) as opened:
            yield opened


class TestStripeOnTheFake(ProviderSuite):
    @pytest.fixture
    async def bench(self) -> AsyncIterator[Bench]:
        async with at_stripe() as opened:
            yield opened.bench()
