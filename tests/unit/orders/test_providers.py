from collections.abc import AsyncIterator

import pytest

from services.orders.catalogue.domain import ProductNotFound
from services.orders.payments.sandbox import open_sandbox
from shared.testing.clock import FixedClock
from tests.unit.orders.doubles import MemoryLedger
from tests.unit.orders.provider_suite import Bench, ProviderSuite
from tests.unit.orders.sandbox_world import sandbox_bench
from tests.unit.orders.stripe_world import at_stripe


async def test_what_is_raised_beside_the_sandbox_comes_out_of_it_as_it_is() -> None:
    """A command ends with the sentence of what was raised: of a group it could tell none."""
    with pytest.raises(ProductNotFound):
        async with open_sandbox(MemoryLedger(), clock=FixedClock(), late_s=60, actions_url="https://shop.example/bank"):
            raise ProductNotFound


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
