import pytest

from services.mailer.testing.memory import MemoryClaims, MemorySubscribers
from services.mailer.testing.suites.claims import ClaimsSuite


class TestMemoryClaims(ClaimsSuite):
    @pytest.fixture
    def stores(self):
        subscribers = MemorySubscribers()
        return subscribers, MemoryClaims(subscribers.records)
