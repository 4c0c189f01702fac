import pytest

from services.mailer.testing.memory import MemoryRuns, MemorySubscribers
from services.mailer.testing.memory_campaigns import MemoryCampaigns
from services.mailer.testing.memory_forgotten import MemoryForgotten
from services.mailer.testing.memory_notices import MemoryNotices
from services.mailer.testing.suites.campaigns import CampaignsSuite, RunsSuite
from services.mailer.testing.suites.forgotten import ForgottenSuite
from services.mailer.testing.suites.notices import NoticesSuite
from services.mailer.testing.suites.subscribers import SubscribersSuite


class TestMemoryNotices(NoticesSuite):
    @pytest.fixture
    def notices(self):
        return MemoryNotices()


class TestMemorySubscribers(SubscribersSuite):
    @pytest.fixture
    def subscribers(self):
        return MemorySubscribers()


class TestMemoryCampaigns(CampaignsSuite):
    @pytest.fixture
    def campaigns(self):
        return MemoryCampaigns()


class TestMemoryRuns(RunsSuite):
    @pytest.fixture
    def runs(self):
        return MemoryRuns()


class TestMemoryForgotten(ForgottenSuite):
    @pytest.fixture
    def forgotten(self):
        return MemoryForgotten()
