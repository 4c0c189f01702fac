"""Both providers on real stores, and each chosen by the settings."""

import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from services.orders.payments.choice import open_provider
from services.orders.payments.mongo import MongoLedger
from services.orders.payments.provider import Outcome
from services.orders.payments.stripe.book import MongoBook
from services.orders.testing.fakestripe.server import API_KEY
from shared.mongo import Database
from shared.testing.clock import FixedClock
from tests.unit.orders.provider_suite import A_CHARGE, Bench, ProviderSuite, a_card
from tests.unit.orders.sandbox_world import sandbox_bench
from tests.unit.orders.stripe_world import at_stripe
from tests.unit.orders.world import SETTINGS


class TestSandboxOnMongo(ProviderSuite):
    @pytest.fixture
    async def bench(self, database: Database) -> AsyncIterator[Bench]:
        async with sandbox_bench(MongoLedger(database)) as opened:
            yield opened


class TestStripeOnMongo(ProviderSuite):
    @pytest.fixture
    async def bench(self, database: Database) -> AsyncIterator[Bench]:
        async with at_stripe(MongoBook(database)) as opened:
            yield opened.bench()


async def test_the_settings_choose_stripe(database: Database) -> None:
    async with at_stripe() as stripe:
        base = stripe.base
        chosen = SETTINGS.model_copy(
            update={
                "payment_provider": "stripe", "stripe_api_key": SecretStr(API_KEY), "stripe_api_base": base,
                "payment_timeout_s": 5,
            }
        )  # fmt: skip
        async with open_provider(chosen, database, MongoLedger(database), clock=FixedClock()) as (provider, sandbox):
            charge = await provider.charge(A_CHARGE, card=a_card())

        assert sandbox is None
        assert charge.outcome is Outcome.PAID
        assert await database["stripe_intents"].find_one({"_id": "o-1"}) == {"_id": "o-1", "intent": charge.reference}


def test_without_that_the_library_is_not_loaded() -> None:
    loaded = "import sys, services.orders.service; print('stripe' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "False"
