import pytest

from shared.answers import COLLECTION, Begun, MongoAnswers, ensure_answer_indexes
from shared.mongo import Database
from shared.testing.relay import MemoryRelay
from shared.testing.suites.answers import LATER, AnswersSuite, an_answer


class TestMongoAnswers(AnswersSuite):
    @pytest.fixture
    async def answers(self, database: Database) -> MongoAnswers:
        await ensure_answer_indexes(database)
        return MongoAnswers(database, MemoryRelay())


async def test_the_answer_leaves_with_the_note(database: Database) -> None:
    relay = MemoryRelay()
    answers = MongoAnswers(database, relay)
    await answers.begin(Begun("q-1", LATER, {"count": 3}))

    await answers.answer("q-1", [an_answer()])

    document = await database[COLLECTION].find_one({"_id": "q-1"})
    assert document is not None
    assert [row["id"] for row in document["outbox"]] == ["e-1"]
    assert [event.id for event in relay.events] == ["e-1"]
