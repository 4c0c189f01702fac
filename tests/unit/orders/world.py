"""Orders with doubles behind it, or with real stores, and a clock that stands still."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from pydantic import SecretStr

from services.orders.catalogue.store import Products, ShopWindow
from services.orders.catalogue.watches import seed
from services.orders.checkout.place import Placed, Purchase, place_order
from services.orders.checkout.requests import CheckoutRequest
from services.orders.config import Settings
from services.orders.deps import Deps
from services.orders.desk.store import Accesses
from services.orders.life.domain import Order
from services.orders.life.link_store import LinkRequests
from services.orders.life.resolve import ask_about_waiting, sweep
from services.orders.life.steps import Status
from services.orders.life.store import Orders
from services.orders.payments.bounded import Bounded
from services.orders.payments.ledger import Ledger
from services.orders.payments.provider import Outcome, Provider
from services.orders.payments.sandbox import SANDBOX_ACTIONS, Sandbox
from services.orders.profile.store import Profiles
from services.orders.quotes.store import Quotes
from services.orders.screening.blocks import Blocks
from services.orders.screening.issuers import load_issuers
from services.orders.screening.rules import Rules
from services.orders.screening.screen import Screener
from services.orders.screening.tallies import Tallies
from services.orders.stock.store import Stock
from shared.errors import TransientError
from shared.events import Event
from shared.ids import new_id, new_number
from shared.keys import PURPOSES
from shared.oneway import OneWaySealer
from shared.personal import BlindIndex, DataKeys, PersonalFields
from shared.publickeys import CARD, PublicKey, public_key
from shared.testing.answers import MemoryAnswers
from shared.testing.clock import FixedClock
from shared.testing.datakeys import MemoryDataKeys
from shared.testing.identity import SigningAuth, an_identity
from shared.testing.keys import MemoryKeys
from shared.testing.relay import MemoryRelay
from shared.testing.sealing import MemorySealing
from tests.mortal import Fate, Mortal
from tests.unit.orders.doubles import (
    MemoryAccesses,
    MemoryBlocks,
    MemoryLedger,
    MemoryLinkRequests,
    MemoryOrders,
    MemoryProducts,
    MemoryProfiles,
    MemoryQuotes,
    MemoryStock,
    memory_tallies,
)

SETTINGS = Settings(
    public_url="https://localhost:8443",
    http_port=0,
    mongo_url=SecretStr("mongodb://unused"),
    amqp_url=SecretStr("amqp://unused"),
    key_dir=Path("unused"),
    seal_keys_dir=Path("unused"),
    jwks_url="http://unused",
    payment_timeout_s=0.05,
)
NO_RULES = Rules(version="none")
"""Most tests buy more than a person does."""
PATIENT = SETTINGS.model_copy(update={"payment_timeout_s": 1.0})
"""For stores that are real: on a busy machine a write takes longer than 50 ms."""
SKU, LAST_FIVE, SOLD_OUT = "TF-KISAI-01", "TF-KOORI-09", "TF-SHINRIN-06"
PAYS, DECLINED, NO_FUNDS = "4242 4242 4242 4242", "4000000000000002", "4000000000009995"
ASKS_BANK = "4000000000003220"
SILENT, ANSWERS_LATE, CHARGES_LATE = "4000000000000119", "4000000000000259", "4000000000000341"


def a_body(
    sku: str = SKU, *, quantity: int = 1, currency: str = "JPY", card: str = PAYS, **changes: Any
) -> dict[str, Any]:
    """What a frontend sends."""
    return {
        "lines": [{"sku": sku, "quantity": quantity}],
        "currency": currency,
        "contact": {"name": "Ann Example", "email": "ann@example.org"},
        "shipping": {"line1": "1-2-3 Jingumae", "city": "Shibuya", "postcode": "150-0001", "country": "JP"},
        "card": {"number": card, "expiry": "12/34", "cvc": "123", "holder": "Ann Example"},
    } | changes


@dataclass
class Stores:
    """Where things are kept; in memory unless told otherwise."""

    stock: Stock = field(default_factory=MemoryStock)
    orders: Orders = field(default_factory=MemoryOrders)
    links: LinkRequests = field(default_factory=MemoryLinkRequests)
    ledger: Ledger = field(default_factory=MemoryLedger)
    profiles: Profiles = field(default_factory=MemoryProfiles)
    accesses: Accesses = field(default_factory=MemoryAccesses)
    blocks: Blocks = field(default_factory=MemoryBlocks)
    tallies: Tallies | None = None
    quotes: Quotes = field(default_factory=MemoryQuotes)
    data_keys: DataKeys = field(default_factory=MemoryDataKeys)
    products: Products | None = None

    def catalogue(self) -> Products:
        """The products beside the stock."""
        if self.products is None:
            assert isinstance(self.stock, MemoryStock)
            self.products = MemoryProducts(self.stock)
        return self.products

    def counted(self) -> Tallies:
        """The tallies beside the block list."""
        if self.tallies is None:
            assert isinstance(self.blocks, MemoryBlocks)
            self.tallies = memory_tallies(self.blocks)
        return self.tallies


class World:
    """Deps, what lies behind them, and a few sentences for tests."""

    def __init__(
        self,
        stores: Stores,
        late: asyncio.TaskGroup,
        *,
        provider: Provider | None = None,
        clock: FixedClock | None = None,
        settings: Settings = SETTINGS,
    ) -> None:
        self.clock = clock or FixedClock()
        self.stores = stores
        self.keys = MemoryKeys(PURPOSES.keys() - {CARD})
        self.card_keys = MemoryKeys([CARD])
        """What only the screening process has."""
        self.sealing = MemorySealing()
        self.relay = MemoryRelay()
        self.answers = MemoryAnswers()
        self.auth = SigningAuth("orders", self.clock)
        self.caller_gave_up = asyncio.Event()
        self.is_ready = True
        self.sandbox = Sandbox(
            stores.ledger,
            clock=self.clock,
            late=late,
            pause=self._pause,
            actions_url=SETTINGS.public_url + SANDBOX_ACTIONS,
        )
        self._keys = (f"key-{n}" for n in itertools.count(1))
        products = stores.catalogue()
        self.deps = Deps(
            settings=settings,
            clock=self.clock,
            new_id=new_id,
            new_number=new_number,
            products=products,
            window=ShopWindow(products, monotonic=lambda: 0.0, fresh_s=-1),
            orders=stores.orders,
            links=stores.links,
            stock=stores.stock,
            provider=Bounded(provider or self.sandbox, timeout_s=settings.payment_timeout_s),
            sandbox=self.sandbox,
            ledger=stores.ledger,
            profiles=stores.profiles,
            accesses=stores.accesses,
            screener=Screener(NO_RULES, load_issuers(), stores.counted()),
            blocks=stores.blocks,
            quotes=stores.quotes,
            answers=self.answers,
            keys=self.keys,
            people=PersonalFields(self.keys, stores.data_keys, purposes=SETTINGS.purposes),
            data_keys=stores.data_keys,
            index=BlindIndex(self.keys.get("index", 1)),
            one_way=OneWaySealer(self),
            sealer=self.sealing.sealer,
            unsealer=self.sealing.unsealer("orders"),
            relay=self.relay,
            identities=self.auth.verifier,
            ready=self._ready,
        )

    async def _pause(self) -> None:
        await self.caller_gave_up.wait()

    async def _ready(self) -> dict[str, bool]:
        return {"database": self.is_ready}

    def screen_by(self, rules: Rules) -> None:
        """From now on these rules hold."""
        self.deps = replace(self.deps, screener=replace(self.deps.screener, rules=rules))

    def current(self, reader: str) -> PublicKey:
        """See `PublicKeys`: orders seals to the key of cards alone, apart from its events."""
        return public_key(self.card_keys.current(reader))

    async def buy(
        self,
        body: Mapping[str, Any] | None = None,
        *,
        key: str = "",
        deps: Deps | None = None,
        account: str = "",
        network: str = "",
    ) -> Placed:
        """Buy, as a guest unless told otherwise, through the use case."""
        request = CheckoutRequest.model_validate_json(_json(body or a_body()), strict=True)
        return await place_order(deps or self.deps, Purchase(request, key or next(self._keys), account, "en", network))

    async def sweep(self, *, after_s: float = 60) -> None:
        """Time passes, then the sweep comes round."""
        self.clock.advance(seconds=after_s)
        await sweep(self.deps)
        await ask_about_waiting(self.deps)

    async def sweep_with(self, provider: Any, *, after_s: float) -> None:
        """Time passes, then the sweep comes round and meets another provider."""
        self.clock.advance(seconds=after_s)
        await ask_about_waiting(replace(self.deps, provider=provider))

    def without_provider(self) -> Deps:
        """The same process, whose provider does not answer."""
        return replace(self.deps, provider=Away())

    @property
    def pending(self) -> Mapping[str, list[Event]]:
        """The events that were stored with each order."""
        assert isinstance(self.stores.orders, MemoryOrders)
        return self.stores.orders.pending

    def ledger_of(self, order_id: str, *, outcome: Outcome) -> None:
        """The provider's book says otherwise of this charge."""
        assert isinstance(self.stores.ledger, MemoryLedger)
        charges = self.stores.ledger.charges
        charges[order_id] = replace(charges[order_id], outcome=outcome)

    async def late_charges(self) -> None:
        """Every charge that was on its way has arrived."""
        await asyncio.gather(*self.sandbox.under_way)

    async def all_orders(self) -> list[Order]:
        """Every order there is."""
        return list(await self.stores.orders.newest(before="", limit=1_000))

    async def left(self, sku: str = SKU) -> int:
        """How many the catalogue says there are."""
        return next(offer.stock for offer in await self.stores.catalogue().offers() if offer.product.sku == sku)

    async def paid_charges(self) -> int:
        """How many charges went through."""
        return len([each async for each in self.deps.provider.charges() if each.outcome is Outcome.PAID])

    async def holds(self) -> int:
        """How many units of whatever are kept back for orders."""
        return len(await self.stores.stock.holds_before(self.clock() + timedelta(days=1), limit=1_000))

    async def assert_nothing_happened(self) -> None:
        """Nothing is stored and nothing is charged."""
        assert await self.all_orders() == []
        assert sum((await self.stores.ledger.counts()).values()) == 0
        assert await self.holds() == 0
        assert self.relay.events == []
        if isinstance(self.stores.data_keys, MemoryDataKeys):
            assert self.stores.data_keys.stored == {}

    async def assert_books_balance(self, sku: str, started_with: int) -> None:
        """After everything has ended: a charge for each paid order and none else, and each unit is sold or there."""
        orders = await self.all_orders()
        paid = [order for order in orders if order.status is Status.PAID]
        charges = [each async for each in self.deps.provider.charges() if each.outcome is Outcome.PAID]
        charged = {charge.order_id for charge in charges}
        assert [order for order in orders if order.status is Status.CHARGING] == []
        assert {order.id for order in paid} == charged
        assert await self.left(sku) == started_with - sum(order.units for order in paid)
        assert await self.holds() == 0

    def as_customer(self, account: str = "a-1", *, fresh: bool = True) -> dict[str, str]:
        """What the gateway adds for a customer."""
        return self.auth.headers(an_identity(account, fresh=fresh))

    def as_staff(self, *roles: str) -> dict[str, str]:
        """What the gateway adds for staff."""
        return self.auth.headers(an_identity("s-1", *roles))


@asynccontextmanager
async def a_world(
    stores: Stores | None = None,
    *,
    provider: Provider | None = None,
    clock: FixedClock | None = None,
    settings: Settings = SETTINGS,
) -> AsyncIterator[World]:
    """A world with the ten watches in its catalogue; it charges at the sandbox, unless told otherwise."""
    async with asyncio.TaskGroup() as late:
        world = World(stores or Stores(), late, provider=provider, clock=clock, settings=settings)
        await seed(world.deps.products)
        try:
            yield world
        finally:
            world.sandbox.stop()


def mortal(deps: Deps, fate: Fate) -> Deps:
    """The same process, doomed."""
    peers = {name: Mortal(getattr(deps, name), fate) for name in ("orders", "stock", "provider", "data_keys")}
    return replace(deps, **peers)


class Forgotten:
    """Where a world that nobody closes charges late: tasks that are nobody's."""

    @staticmethod
    def create_task(work: Any) -> "asyncio.Task[Any]":
        """See `asyncio.TaskGroup.create_task`."""
        return asyncio.create_task(work)


async def seeded(stores: Stores, *, settings: Settings = SETTINGS) -> World:
    """As `a_world`, for whoever cannot close it; no card that charges late may be used there."""
    world = World(stores, Forgotten(), settings=settings)  # type: ignore[arg-type]
    await seed(world.deps.products)
    return world


class Away:
    """A peer that does not answer."""

    def __getattr__(self, name: str) -> Any:
        async def call(*_arguments: Any, **_named: Any) -> Any:
            raise TransientError("away")

        return call


def _json(body: Mapping[str, Any]) -> bytes:

    return orjson.dumps(body)
