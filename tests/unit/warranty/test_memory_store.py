import pytest

from tests.unit.warranty.doubles import MemoryPurchases
from tests.unit.warranty.purchases_suite import PurchasesSuite


class TestMemoryPurchases(PurchasesSuite):
    @pytest.fixture
    def purchases(self) -> MemoryPurchases:
        return MemoryPurchases()
