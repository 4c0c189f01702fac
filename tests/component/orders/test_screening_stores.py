import asyncio
from datetime import timedelta

import pytest

from services.orders.screening.domain import Kind
from services.orders.screening.mongo import COLLECTION, MongoBlocks, MongoTallies
from services.orders.service import ensure_order_indexes
from shared.clock import system_clock
from shared.mongo import Database
from shared.testing.clock import NOON
from tests.unit.orders.screening_suites import MARKS, NOW, BlocksSuite, TalliesSuite, a_block


@pytest.fixture
def tallies(database: Database) -> MongoTallies:
    return MongoTallies(database)


@pytest.fixture
def blocks(database: Database) -> MongoBlocks:
    return MongoBlocks(database)


class TestMongoTallies(TalliesSuite):
    pass


class TestMongoBlocks(BlocksSuite):
    pass


async def test_processes_that_count_at_once_lose_nothing(database: Database) -> None:
    processes = [MongoTallies(database) for _ in range(4)]

    await asyncio.gather(*(each.count_decline(MARKS, at=NOON) for each in processes for _ in range(25)))

    seen = await processes[0].look(MARKS, "", at=NOON)
    assert seen.declines[Kind.NETWORK] == {NOW: 100}
    assert seen.shop_declines == {NOW: 100}


async def test_counts_leave_by_themselves_and_blocks_do_not(
    database: Database, tallies: MongoTallies, blocks: MongoBlocks
) -> None:
    await ensure_order_indexes(database)
    now = system_clock()
    await tallies.count_decline(MARKS, at=now)
    tallies.count_paid(MARKS, "", 100, "JPY", at=now)
    await tallies.count_try(MARKS, at=now)
    await blocks.add(a_block())

    documents = await database[COLLECTION].find().to_list(None)
    index = (await database[COLLECTION].index_information())["expiry"]

    assert index["expireAfterSeconds"] == 0
    hours_left = {each["_id"]: (each["expires_at"] - now) / timedelta(hours=1) for each in documents
                  if "expires_at" in each}  # fmt: skip
    assert {hours > 24 * 179 for name, hours in hours_left.items() if name.startswith("h:")} == {True}
    assert {24 <= hours <= 49 for name, hours in hours_left.items() if name.startswith("t:")} == {True}
    assert [each["_id"] for each in documents if "expires_at" not in each] == ["b:card:c1"]


async def test_checkouts_that_come_together_share_a_write_and_a_read(database: Database, tallies: MongoTallies) -> None:
    await database.command("profile", 2)  # of this database alone: others use the server at the same time

    await asyncio.gather(*(tallies.count_try(MARKS, at=NOON) for _ in range(100)))
    await asyncio.gather(*(tallies.look(MARKS, "", at=NOON) for _ in range(100)))

    await database.command("profile", 0)
    seen = await database["system.profile"].find({"ns": f"{database.name}.{COLLECTION}"}).to_list(None)
    assert 1 <= sum(each["op"] == "update" for each in seen) <= 20, "400 counts"
    assert 1 <= sum(each["op"] == "query" for each in seen) <= 4, "100 looks"
