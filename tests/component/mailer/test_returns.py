import pytest

from services.mailer.bounces.mongo import MongoReturns
from services.mailer.bounces.reading import Kind
from services.mailer.sending.mongo import MongoClaims
from services.mailer.subscribers import ensure_subscriber_indexes
from services.mailer.subscriptions.mongo import MongoSubscribers
from services.mailer.testing.suites.returns import ReturnsSuite


class TestMongoReturns(ReturnsSuite):
    @pytest.fixture
    async def stores(self, database):
        await ensure_subscriber_indexes(database)
        return MongoSubscribers(database), MongoClaims(database), MongoReturns(database)


async def test_counting_what_came_back_looks_at_what_came_back_alone(database):
    await ensure_subscriber_indexes(database)
    stored = database["subscribers"]
    copies = [{"_id": f"s-{n}", "address_key": f"k-{n}", "issues": [{"campaign": "c-1"}]} for n in range(300)]
    copies[0]["issues"][0]["returned"] = {"kind": "hard"}
    await stored.insert_many(copies)

    counts = await MongoReturns(database).counts("c-1")
    filtered = {
        "issues": {"$elemMatch": {"campaign": "c-1", "returned.kind": "hard"}},
        "issues.returned.kind": {"$exists": True},
    }
    plan = await database.command(
        {"explain": {"count": "subscribers", "query": filtered}, "verbosity": "executionStats"}
    )

    assert counts[Kind.HARD] == 1
    assert plan["executionStats"]["totalDocsExamined"] <= 2
