"""MongoDB as the kit reaches it."""

from datetime import timedelta

import pytest

from shared.clock import system_clock
from shared.errors import TransientError
from shared.mongo import (
    Database,
    DuplicateKey,
    Index,
    database_time,
    ensure_indexes,
    open_database,
    patiently,
    ping,
    translated,
)

AWAY = "mongodb://127.0.0.1:1/?directConnection=true"


async def test_the_databases_clock_is_aware_and_near_ours(database: Database) -> None:
    assert abs(system_clock() - await database_time(database)) < timedelta(seconds=60)


async def test_times_come_back_aware_and_writes_are_durable(database: Database) -> None:
    moment = system_clock().replace(microsecond=0)
    await database["things"].insert_one({"_id": 1, "at": moment})

    document = await database["things"].find_one({"_id": 1})

    assert document is not None
    assert document["at"] == moment
    assert database.write_concern.document == {"w": "majority", "j": True}


async def test_a_duplicate_names_its_index(database: Database) -> None:
    await ensure_indexes(database["things"], [Index("by_name", [("name", 1)], unique=True)])
    await ensure_indexes(database["things"], [Index("by_name", [("name", 1)], unique=True)])
    await database["things"].insert_one({"_id": 1, "name": "x"})

    with pytest.raises(DuplicateKey) as refused, translated():
        await database["things"].insert_one({"_id": 2, "name": "x"})

    assert refused.value.index == "by_name"


async def test_an_absent_database_is_a_transient_error_and_no_ping() -> None:
    async with open_database(AWAY, "nobody") as away:
        assert not await ping(away)
        with pytest.raises(TransientError), translated():
            await away["things"].find_one({})


SEVENTHS = [
    {"$documents": [{}]}, {"$set": {"n": {"$range": [0, 400_000]}}}, {"$unwind": "$n"},
    {"$match": {"n": {"$mod": [7, 1]}}}, {"$sort": {"n": -1}}, {"$count": "n"},
]  # fmt: skip


async def test_a_look_at_everything_may_take_longer_than_a_call_otherwise(
    mongo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.mongo.TIMEOUT_MS", 20)
    async with open_database(mongo_url, "test-patience") as database:
        with pytest.raises(TransientError), translated():
            await database.aggregate(SEVENTHS).to_list(None)

        with patiently(60), translated():
            [found] = await database.aggregate(SEVENTHS).to_list(None)

    assert found["n"] == 57_143


async def test_indexes_of_a_collection_that_is_full_may_take_their_time(
    mongo_url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await database["things"].insert_many([{"n": n, "name": f"thing {n}"} for n in range(50_000)])
    monkeypatch.setattr("shared.mongo.TIMEOUT_MS", 20)
    async with open_database(mongo_url, database.name) as hasty:
        await ensure_indexes(hasty["things"], [Index("by_n", [("n", 1)]), Index("by_name", [("name", 1)])])

    assert {"by_n", "by_name"} <= (await database["things"].index_information()).keys()
