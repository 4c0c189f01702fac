"""Everything that a use case of orders needs, opened once."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from services.orders.catalogue.mongo import MongoProducts
from services.orders.catalogue.store import Products, ShopWindow
from services.orders.config import Settings
from services.orders.desk.mongo import MongoAccesses
from services.orders.desk.store import Accesses
from services.orders.life.link_store import LinkRequests, MongoLinkRequests
from services.orders.life.mongo import MongoOrders
from services.orders.life.store import Orders
from services.orders.payments.choice import open_provider
from services.orders.payments.ledger import Ledger
from services.orders.payments.mongo import MongoLedger
from services.orders.payments.provider import Provider
from services.orders.payments.sandbox import Sandbox
from services.orders.profile.mongo import MongoProfiles
from services.orders.profile.store import Profiles
from services.orders.quotes.mongo import MongoQuotes
from services.orders.quotes.store import Quotes
from services.orders.screening.blocks import Blocks
from services.orders.screening.issuers import load_issuers
from services.orders.screening.mongo import MongoBlocks, MongoTallies
from services.orders.screening.rules import load_rules
from services.orders.screening.screen import Screener
from services.orders.stock.mongo import MongoStock
from services.orders.stock.store import Stock
from shared.answers import Answers, MongoAnswers
from shared.clock import Clock, in_millis
from shared.health import Readiness
from shared.identity import IdentityVerifier
from shared.ids import new_id, new_number
from shared.keys import KeyProvider
from shared.oneway import OneWaySealer
from shared.outbox import Announcer
from shared.personal import BlindIndex, DataKeys, PersonalFields
from shared.publickeys import PublicKeyFiles
from shared.runtime import Runtime
from shared.sealing import Sealer, Unsealer


@dataclass(frozen=True, slots=True)
class Deps:
    """What use cases and edges are given."""

    settings: Settings
    clock: Clock
    new_id: Callable[[], str]
    new_number: Callable[[], str]
    products: Products
    window: ShopWindow
    orders: Orders
    links: LinkRequests
    stock: Stock
    provider: Provider
    sandbox: Sandbox | None
    ledger: Ledger
    profiles: Profiles
    accesses: Accesses
    screener: Screener
    blocks: Blocks
    quotes: Quotes
    answers: Answers
    keys: KeyProvider
    people: PersonalFields
    data_keys: DataKeys
    index: BlindIndex
    one_way: OneWaySealer
    sealer: Sealer
    unsealer: Unsealer
    relay: Announcer
    identities: IdentityVerifier
    ready: Readiness


@asynccontextmanager
async def open_deps(runtime: Runtime) -> AsyncIterator[Deps]:
    """Build the stores and the payment provider on what the kit has opened."""
    settings = runtime.settings
    assert isinstance(settings, Settings)
    clock = in_millis(runtime.clock)
    products = MongoProducts(runtime.database)
    ledger = MongoLedger(runtime.database)
    async with open_provider(settings, runtime.database, ledger, clock=clock) as (provider, sandbox):
        yield Deps(
            settings=settings,
            clock=clock,
            new_id=new_id,
            new_number=partial(new_number, groups=3),
            products=products,
            window=ShopWindow(products, monotonic=time.monotonic),
            orders=MongoOrders(runtime.database),
            links=MongoLinkRequests(runtime.database, runtime.relay),
            stock=MongoStock(runtime.database),
            provider=provider,
            sandbox=sandbox,
            ledger=ledger,
            profiles=MongoProfiles(runtime.database),
            accesses=MongoAccesses(runtime.database, runtime.relay),
            screener=Screener(
                load_rules(settings.screening_rules),
                load_issuers(settings.screening_issuers),
                MongoTallies(runtime.database),
            ),
            blocks=MongoBlocks(runtime.database),
            quotes=MongoQuotes(runtime.database),
            answers=MongoAnswers(runtime.database, runtime.relay),
            keys=runtime.keys,
            people=runtime.people,
            data_keys=runtime.data_keys,
            index=runtime.index,
            one_way=OneWaySealer(PublicKeyFiles(settings.seal_keys_dir)),
            sealer=runtime.sealer,
            unsealer=runtime.unsealer,
            relay=runtime.relay,
            identities=runtime.identities,
            ready=runtime.ready,
        )
