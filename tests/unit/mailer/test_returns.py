import pytest

from services.mailer.testing.memory import MemoryClaims, MemorySubscribers
from services.mailer.testing.memory_bounces import MemoryReturns
from services.mailer.testing.suites.returns import ReturnsSuite


class TestMemoryReturns(ReturnsSuite):
    @pytest.fixture
    def stores(self):
        subscribers = MemorySubscribers()
        return subscribers, MemoryClaims(subscribers.records), MemoryReturns(subscribers.records)
