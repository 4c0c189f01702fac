import pytest

from services.mailer.campaigns.mongo import MongoCampaigns
from services.mailer.deps import ensure_all_indexes
from services.mailer.mydata.forgotten import MongoForgotten
from services.mailer.notices.mongo import MongoNotices
from services.mailer.sending.mongo import MongoRuns
from services.mailer.subscriptions.mongo import MongoSubscribers
from services.mailer.testing.builders import a_subscription
from services.mailer.testing.suites.campaigns import CampaignsSuite, RunsSuite
from services.mailer.testing.suites.forgotten import ForgottenSuite
from services.mailer.testing.suites.notices import NoticesSuite
from services.mailer.testing.suites.subscribers import SubscribersSuite, ending
from shared.events import decode
from shared.testing.clock import NOON


@pytest.fixture(autouse=True)
async def indexes(database):
    await ensure_all_indexes(database)


class TestMongoNotices(NoticesSuite):
    @pytest.fixture
    def notices(self, database):
        return MongoNotices(database)


class TestMongoSubscribers(SubscribersSuite):
    @pytest.fixture
    def subscribers(self, database):
        return MongoSubscribers(database)


class TestMongoCampaigns(CampaignsSuite):
    @pytest.fixture
    def campaigns(self, database):
        return MongoCampaigns(database)


class TestMongoRuns(RunsSuite):
    @pytest.fixture
    def runs(self, database):
        return MongoRuns(database)


async def test_the_event_of_an_unsubscribing_lies_in_its_own_document(database):
    subscription = a_subscription()
    subscribers = MongoSubscribers(database)
    await subscribers.add(subscription)

    await subscribers.unsubscribe(subscription.id, ending(subscription), at=NOON)

    document = await database["subscribers"].find_one({"_id": subscription.id})
    [row] = document["outbox"]
    assert decode(row["body"]) == ending(subscription)


class TestMongoForgotten(ForgottenSuite):
    @pytest.fixture
    def forgotten(self, database):
        return MongoForgotten(database)
