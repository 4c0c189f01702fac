"""Group commit: many writers, few commands, each with its own fate."""

import asyncio

import pytest

from shared.errors import TransientError
from shared.gather import GatheredWriter
from shared.mongo import Database, DuplicateKey, open_database


async def test_writers_that_arrive_together_succeed_and_fail_alone(database: Database) -> None:
    writer = GatheredWriter(database["things"])

    outcomes = await asyncio.gather(
        *(writer.insert({"_id": number % 8}) for number in range(10)), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [type(None)] * 8 + [DuplicateKey] * 2
    assert await database["things"].count_documents({}) == 8


async def test_each_conditional_update_learns_whether_its_own_condition_held(database: Database) -> None:
    writer = GatheredWriter(database["things"])
    await database["things"].insert_many([{"_id": number, "n": number % 2} for number in range(6)])

    hits = await asyncio.gather(
        *(writer.update({"_id": number, "n": 0}, {"$set": {"n": 5}}) for number in (*range(6), 99))
    )

    assert hits == [True, False, True, False, True, False, False]


async def test_of_two_updates_of_one_document_with_one_condition_one_wins(database: Database) -> None:
    await database["things"].insert_one({"_id": 1, "state": "new"})
    writers = [GatheredWriter(database["things"]) for _ in range(3)]

    hits = await asyncio.gather(
        *(w.update({"_id": 1, "state": "new"}, {"$set": {"state": "taken"}}) for w in writers for _ in range(5))
    )

    assert sorted(hits) == [False] * 14 + [True]


async def test_of_many_documents_those_are_inserted_that_are_new(database: Database) -> None:
    await database["things"].insert_one({"_id": 1, "from": "before"})
    writer = GatheredWriter(database["things"])

    await writer.insert_new([{"_id": 1, "from": "now"}, {"_id": 2, "from": "now"}])

    found = await database["things"].find().sort("_id", 1).to_list(None)
    assert found == [{"_id": 1, "from": "before"}, {"_id": 2, "from": "now"}]


async def test_documents_that_could_not_be_written_are_told_of() -> None:
    async with open_database("mongodb://127.0.0.1:1/?directConnection=true", "nobody") as away:
        with pytest.raises(TransientError):
            await GatheredWriter(away["things"]).insert_new([{"_id": 1}, {"_id": 2}])


async def test_an_absent_database_fails_every_writer() -> None:
    async with open_database("mongodb://127.0.0.1:1/?directConnection=true", "nobody") as away:
        writer = GatheredWriter(away["things"])

        outcomes = await asyncio.gather(*(writer.insert({"_id": n}) for n in range(3)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [TransientError] * 3


async def test_a_batch_larger_than_the_limit_is_written_in_turns(database: Database) -> None:
    writer = GatheredWriter(database["things"], max_batch=7)

    await asyncio.gather(*(writer.insert({"_id": number}) for number in range(50)))

    assert await database["things"].count_documents({}) == 50


async def test_the_error_names_the_index_and_not_the_value(database: Database) -> None:
    await database["things"].create_index([("mail", 1)], unique=True, name="by_mail")
    writer = GatheredWriter(database["things"])
    await writer.insert({"_id": 1, "mail": "ann@example.org"})

    with pytest.raises(DuplicateKey, match="by_mail") as refused:
        await writer.insert({"_id": 2, "mail": "ann@example.org"})

    assert "ann" not in str(refused.value)
