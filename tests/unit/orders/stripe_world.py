"""Stripe's library on our fake of its API, over loopback."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from services.orders.config import Settings
from services.orders.payments.stripe.book import Book, Entry
from services.orders.payments.stripe.client import open_stripe
from services.orders.payments.stripe.provider import StripeProvider
from services.orders.testing.fakestripe.faults import Fault
from services.orders.testing.fakestripe.server import API_KEY, FakeStripe
from services.orders.testing.fakestripe.webhooks import SECRET
from shared.testing.clock import FixedClock
from tests.unit.orders.provider_suite import PAYS, Bench
from tests.unit.orders.world import SETTINGS


def stripe_settings(**changes: object) -> Settings:
    """Settings of a shop that charges at the fake."""
    patience = {"payment_timeout_s": 5, "stripe_webhook_secret": SecretStr(SECRET)}
    return SETTINGS.model_copy(update=patience | changes)


class MemoryBook:
    """`Book` in a dictionary."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}

    async def enter(self, order_id: str, intent_id: str) -> Entry:
        """See `Book.enter`."""
        is_new = order_id not in self.entries
        return Entry(self.entries.setdefault(order_id, intent_id), is_new)

    async def find(self, order_id: str) -> str | None:
        """See `Book.find`."""
        return self.entries.get(order_id)

    async def find_all(self, order_ids: Collection[str]) -> Mapping[str, str]:
        """See `Book.find_all`."""
        return {order_id: self.entries[order_id] for order_id in order_ids if order_id in self.entries}


@dataclass
class AtStripe:
    """A provider at the fake."""

    fake: FakeStripe
    book: Book
    clock: FixedClock
    provider: StripeProvider

    async def intent_id(self, order_id: str) -> str:
        """The intent of an order."""
        intent_id = await self.book.find(order_id)
        assert intent_id
        return intent_id

    async def act(self, order_id: str, approved: bool) -> None:
        """The buyer answers the bank."""
        self.fake.intents.act(await self.intent_id(order_id), approved=approved)

    def fail_next(self, operation: str, *faults: Fault) -> None:
        """The next calls of an operation go wrong."""
        self.fake.faults.plan(operation, *faults)

    @asynccontextmanager
    async def patiently(self) -> AsyncIterator[StripeProvider]:
        """The same provider, as one sees it who waits longer."""
        async with open_stripe(API_KEY, base=self.base, timeout_s=30) as api:
            yield StripeProvider(api, self.book, clock=self.clock)

    @property
    def base(self) -> str:
        """The fake's address."""
        return self.fake.intents.bank_url.removesuffix("/bank")

    async def callers_gave_up(self) -> None:
        """What was late arrives."""
        late = list(self.fake.late)
        self.fake.faults.callers_gave_up.set()
        await asyncio.gather(*late)

    def bench(self) -> Bench:
        """For `ProviderSuite`."""

        def planned(fault: Fault) -> str:
            self.fail_next("confirm", fault)
            return PAYS

        return Bench(
            self.provider,
            act=self.act,
            lose_the_answer=lambda: planned(Fault.SILENT_AFTER),
            charge_late=lambda: planned(Fault.LATE),
            callers_gave_up=self.callers_gave_up,
        )


@asynccontextmanager
async def at_stripe(book: Book | None = None, *, timeout_s: float = 5) -> AsyncIterator[AtStripe]:
    """The fake as a server of its own, and the provider that asks it."""
    clock = FixedClock()
    kept = book or MemoryBook()
    fake = FakeStripe(lambda: int(clock().timestamp()))
    async with TestServer(fake.app()) as server:
        base = str(server.make_url("/")).rstrip("/")
        fake.intents.bank_url = f"{base}/bank"
        async with open_stripe(API_KEY, base=base, timeout_s=timeout_s) as api:
            yield AtStripe(fake, kept, clock, StripeProvider(api, kept, clock=clock))
            fake.faults.callers_gave_up.set()
