import pytest

from services.orders.catalogue.mongo import MongoProducts
from services.orders.life.link_store import MongoLinkRequests
from services.orders.life.mongo import MongoOrders
from services.orders.payments.mongo import MongoLedger
from services.orders.profile.mongo import MongoProfiles
from services.orders.quotes.mongo import MongoQuotes
from services.orders.service import ensure_order_indexes
from services.orders.stock.mongo import MongoStock
from services.orders.stock.store import Wanted
from shared.mongo import Database
from shared.testing.clock import NOON
from shared.testing.relay import MemoryRelay
from tests.unit.orders.doubles import a_product
from tests.unit.orders.suites import (
    OTHER,
    SKU,
    LedgerSuite,
    LinkRequestsSuite,
    OrdersSuite,
    ProductsSuite,
    ProfilesSuite,
    QuotesSuite,
    StockSuite,
)


class TestMongoOrders(OrdersSuite):
    @pytest.fixture
    async def orders(self, database: Database) -> MongoOrders:
        await ensure_order_indexes(database)
        return MongoOrders(database)


class TestMongoStock(StockSuite):
    @pytest.fixture
    async def stock(self, database: Database) -> MongoStock:
        self.products = MongoProducts(database)
        await self.products.put(a_product(SKU), stock=5)
        await self.products.put(a_product(OTHER), stock=3)
        return MongoStock(database)

    async def left(self, sku: str = SKU) -> int:
        return next(offer.stock for offer in await self.products.offers() if offer.product.sku == sku)

    async def test_a_sold_hold_is_forgotten_with_the_next_write(self, stock: MongoStock, database: Database) -> None:
        await stock.reserve("o-1", [Wanted(SKU, 1)], at=NOON)
        stock.sold("o-1", [Wanted(SKU, 1)])

        await stock.reserve("o-2", [Wanted(SKU, 1)], at=NOON)

        document = await database["stock"].find_one({"_id": SKU})
        assert document is not None
        assert list(document["holds"]) == ["o-2"]

    async def test_a_sold_hold_is_forgotten_later_where_the_next_write_was_in_vain(
        self, stock: MongoStock, database: Database
    ) -> None:
        await stock.reserve("o-1", [Wanted(SKU, 4)], at=NOON)
        stock.sold("o-1", [Wanted(SKU, 4)])
        with pytest.raises(Exception, match="not enough"):
            await stock.reserve("o-2", [Wanted(SKU, 2)], at=NOON)

        await stock.reserve("o-3", [Wanted(SKU, 1)], at=NOON)

        document = await database["stock"].find_one({"_id": SKU})
        assert document is not None
        assert list(document["holds"]) == ["o-3"]


class TestMongoLedger(LedgerSuite):
    @pytest.fixture
    def ledger(self, database: Database) -> MongoLedger:
        return MongoLedger(database)


class TestMongoProducts(ProductsSuite):
    @pytest.fixture
    def products(self, database: Database) -> MongoProducts:
        return MongoProducts(database)


class TestMongoProfiles(ProfilesSuite):
    @pytest.fixture
    def profiles(self, database: Database) -> MongoProfiles:
        return MongoProfiles(database)


class TestMongoQuotes(QuotesSuite):
    @pytest.fixture
    def quotes(self, database: Database) -> MongoQuotes:
        return MongoQuotes(database)


async def test_indexes_can_be_ensured_again(database: Database) -> None:
    await ensure_order_indexes(database)

    await ensure_order_indexes(database)

    names = set(await database["orders"].index_information())
    assert names == {
        "_id_",
        "attempt_key",
        "number",
        "status",
        "account",
        "unfinished",
        "attention",
        "contact",
        "serial",
        "outbox_pending",
    }


class TestMongoLinkRequests(LinkRequestsSuite):
    @pytest.fixture
    async def links(self, database: Database) -> MongoLinkRequests:
        await ensure_order_indexes(database)
        return MongoLinkRequests(database, MemoryRelay())
