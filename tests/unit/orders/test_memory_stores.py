import pytest

from tests.unit.orders.doubles import (
    MemoryLedger,
    MemoryLinkRequests,
    MemoryOrders,
    MemoryProducts,
    MemoryProfiles,
    MemoryQuotes,
    MemoryStock,
)
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


class TestMemoryOrders(OrdersSuite):
    @pytest.fixture
    def orders(self) -> MemoryOrders:
        return MemoryOrders()


class TestMemoryStock(StockSuite):
    @pytest.fixture
    def stock(self) -> MemoryStock:
        self.opened = MemoryStock()
        self.opened.counts |= {SKU: 5, OTHER: 3}
        return self.opened

    async def left(self, sku: str = SKU) -> int:
        return self.opened.counts[sku]


class TestMemoryLedger(LedgerSuite):
    @pytest.fixture
    def ledger(self) -> MemoryLedger:
        return MemoryLedger()


class TestMemoryProducts(ProductsSuite):
    @pytest.fixture
    def products(self) -> MemoryProducts:
        return MemoryProducts(MemoryStock())


class TestMemoryProfiles(ProfilesSuite):
    @pytest.fixture
    def profiles(self) -> MemoryProfiles:
        return MemoryProfiles()


class TestMemoryQuotes(QuotesSuite):
    @pytest.fixture
    def quotes(self) -> MemoryQuotes:
        return MemoryQuotes()


class TestMemoryLinkRequests(LinkRequestsSuite):
    @pytest.fixture
    def links(self) -> MemoryLinkRequests:
        return MemoryLinkRequests()
