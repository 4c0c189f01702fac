"""Whoever is lent a kept database finds it as if it were new."""

from collections.abc import Iterator

import pytest
from pymongo import MongoClient

from shared.mongo import Database, Index, beside, ensure_indexes
from tests.component import kept as kept_databases
from tests.component.conftest import indexed
from tests.component.kept import Kept


@pytest.fixture
def own(mongo_url: str) -> Iterator[Kept]:
    with MongoClient(mongo_url, timeoutMS=20_000) as client:
        yield (databases := Kept(client))
        for name in databases.names.values():
            databases.drop(name)


async def things(database: Database) -> None:
    await ensure_indexes(database["things"], [Index("by_name", [("name", 1)], unique=True)])


async def test_it_is_lent_again_empty_and_with_its_indexes(own: Kept, mongo_url: str) -> None:
    async with indexed(own, things, mongo_url) as database:
        await database["things"].insert_one({"name": "a"})
        await database["others"].insert_one({"name": "b"})
        await beside(database, f"{database.name}_keys")["data_keys"].insert_one({"_id": "c"})
        first = database.name

    async with indexed(own, things, mongo_url) as database:
        assert database.name == first
        assert "by_name" in await database["things"].index_information()
        keys = beside(database, f"{first}_keys")
        left = [await each.count_documents({}) for each in (database["things"], database["others"], keys["data_keys"])]
        assert left == [0, 0, 0]


async def test_one_with_other_indexes_than_its_own_is_not_lent_again(own: Kept, mongo_url: str) -> None:
    async with indexed(own, things, mongo_url) as database:
        await database["things"].drop_index("by_name")
        first = database.name

    async with indexed(own, things, mongo_url) as database:
        assert database.name != first
        assert "by_name" in await database["things"].index_information()
        assert first not in await database.client.list_database_names()


async def test_one_that_somebody_may_still_write_to_is_not_lent_again(
    own: Kept, mongo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_databases, "QUIET_WITHIN_S", 0.1)
    async with indexed(own, things, mongo_url) as database:
        first = database.name
        lingering: MongoClient[dict[str, object]] = MongoClient(mongo_url, appname=first)
        lingering[first]["things"].find_one()
    try:
        async with indexed(own, things, mongo_url) as database:
            assert database.name != first
    finally:
        lingering.close()
