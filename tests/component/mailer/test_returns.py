import pytest

from services.mailer.bounces.mongo import MongoReturns
from services.mailer.sending.mongo import MongoClaims
from services.mailer.subscribers import ensure_subscriber_indexes
from services.mailer.subscriptions.mongo import MongoSubscribers
from services.mailer.testing.suites.returns import ReturnsSuite


class TestMongoReturns(ReturnsSuite):
    @pytest.fixture
    async def stores(self, database):
        await ensure_subscriber_indexes(database)
        return MongoSubscribers(database), MongoClaims(database), MongoReturns(database)
