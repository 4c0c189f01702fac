import pytest

from tests.unit.warranty.claim_doubles import MemoryClaims
from tests.unit.warranty.claims_suite import ClaimsSuite


class TestMemoryClaims(ClaimsSuite):
    @pytest.fixture
    def claims(self) -> MemoryClaims:
        return MemoryClaims()
