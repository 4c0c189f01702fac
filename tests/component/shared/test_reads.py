"""Gathered look-ups: many callers, few queries, each with its own answer."""

import asyncio

import pytest

from shared.errors import TransientError
from shared.mongo import Database, open_database
from shared.reads import GatheredReader


async def test_each_caller_gets_its_own_document(database: Database) -> None:
    await database["things"].insert_many([{"_id": number, "n": number * 2, "more": "x"} for number in range(50)])
    reader = GatheredReader(database["things"], {"n": 1})

    found = await asyncio.gather(*(reader.find(number % 60) for number in range(120)))

    assert found == [{"_id": n % 60, "n": n % 60 * 2} if n % 60 < 50 else None for n in range(120)]


async def test_more_callers_than_one_query_takes_are_all_answered(database: Database) -> None:
    await database["things"].insert_many([{"_id": number} for number in range(1200)])
    reader = GatheredReader(database["things"])

    found = await asyncio.gather(*(reader.find(number) for number in range(1200)))

    assert [document and document["_id"] for document in found] == list(range(1200))


async def test_a_look_up_sees_what_was_acknowledged_before_it(database: Database) -> None:
    reader = GatheredReader(database["things"])

    async def write_and_read(number: int) -> bool:
        before = await reader.find(number)
        await database["things"].insert_one({"_id": number})
        return before is None and await reader.find(number) == {"_id": number}

    assert all(await asyncio.gather(*(write_and_read(number) for number in range(100))))


async def test_binary_ids_are_found(database: Database) -> None:
    await database["things"].insert_one({"_id": b"\x00key"})
    reader = GatheredReader(database["things"])

    found = await asyncio.gather(reader.find(b"\x00key"), reader.find(b"\x01key"))

    assert found == [{"_id": b"\x00key"}, None]


async def test_a_caller_that_gives_up_leaves_the_others_their_answers(database: Database) -> None:
    await database["things"].insert_one({"_id": 1})
    reader = GatheredReader(database["things"])
    impatient = asyncio.create_task(reader.find(1))
    patient = asyncio.create_task(reader.find(1))
    await asyncio.sleep(0)

    impatient.cancel()

    assert await patient == {"_id": 1}
    assert impatient.cancelled()


async def test_an_absent_database_fails_every_caller() -> None:
    async with open_database("mongodb://127.0.0.1:1/?directConnection=true", "nobody") as away:
        reader = GatheredReader(away["things"])

        answers = await asyncio.gather(*(reader.find(n) for n in range(3)), return_exceptions=True)

    assert [type(answer) for answer in answers] == [TransientError] * 3


async def test_a_failed_query_leaves_no_caller_behind_it_waiting(database: Database) -> None:
    reader = GatheredReader(database["things"], {"n": {"$unknown": 1}})
    with pytest.raises(Exception, match="unknown"):
        await reader.find(1)

    with pytest.raises(Exception, match="unknown"):
        await asyncio.wait_for(reader.find(2), 5)
