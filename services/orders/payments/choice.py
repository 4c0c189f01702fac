"""Which provider the settings choose. Stripe and its library are loaded only then."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.orders.config import Settings
from services.orders.payments.bounded import Bounded
from services.orders.payments.ledger import Ledger
from services.orders.payments.provider import Provider
from services.orders.payments.sandbox import SANDBOX_ACTIONS, Sandbox, open_sandbox
from shared.clock import Clock
from shared.mongo import Database


@asynccontextmanager
async def open_provider(
    settings: Settings, database: Database, ledger: Ledger, *, clock: Clock
) -> AsyncIterator[tuple[Provider, Sandbox | None]]:
    """The provider, each of whose calls ends in time; and the sandbox, where it is that."""
    timeout_s = settings.payment_timeout_s
    if settings.payment_provider == "sandbox":
        actions_url = settings.public_url + SANDBOX_ACTIONS
        async with open_sandbox(
            ledger, clock=clock, late_s=settings.sandbox_late_s, actions_url=actions_url
        ) as sandbox:
            yield Bounded(sandbox, timeout_s=timeout_s), sandbox
        return

    from services.orders.payments.stripe.book import MongoBook
    from services.orders.payments.stripe.client import open_stripe
    from services.orders.payments.stripe.provider import StripeProvider

    key = settings.stripe_api_key.get_secret_value()
    async with open_stripe(key, base=settings.stripe_api_base, timeout_s=timeout_s) as api:
        yield Bounded(StripeProvider(api, MongoBook(database), clock=clock), timeout_s=timeout_s), None
