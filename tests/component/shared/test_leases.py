"""Leases by the database's clock."""

import asyncio

import pytest

from shared.errors import TransientError
from shared.leases import Leases
from shared.mongo import Database


async def test_one_of_many_holds_a_lease(database: Database) -> None:
    inside = 0

    async def try_it() -> int:
        nonlocal inside
        async with Leases(database).hold("sweep") as fence:
            if fence is None:
                return 0
            inside += 1
            assert inside == 1
            await Leases(database)._collection.find_one({"_id": "sweep"})
            inside -= 1
            return fence.token

    tokens = await asyncio.gather(*(try_it() for _ in range(8)))

    assert sum(token > 0 for token in tokens) >= 1


async def test_a_lease_that_ends_goes_to_the_next_with_a_higher_token(database: Database) -> None:
    first, second = Leases(database), Leases(database)
    async with first.hold("sweep") as held, second.hold("sweep") as refused:
        assert held is not None
        assert refused is None

    async with second.hold("sweep") as later:
        assert later is not None
        assert later.token > held.token


async def test_a_holder_that_died_is_followed_when_its_time_is_up(database: Database) -> None:
    dead = Leases(database)
    fence = await dead._acquire("sweep", 0.05)

    assert fence is not None
    async with asyncio.timeout(5):
        while True:
            async with Leases(database).hold("sweep") as taken:
                if taken is not None:
                    break
    assert taken.token == fence.token + 1


async def test_a_lease_is_renewed_for_as_long_as_the_block_runs(database: Database) -> None:
    async with Leases(database).hold("sweep", ttl_s=0.4) as fence:
        await _renewals(database, 3)
        async with Leases(database).hold("sweep") as other:
            assert fence is not None
            assert other is None


async def test_a_lease_taken_away_cancels_the_block(database: Database) -> None:
    async def work() -> None:
        async with Leases(database).hold("sweep", ttl_s=0.4):
            await database["leases"].update_one({"_id": "sweep"}, {"$inc": {"token": 1}})
            await asyncio.Event().wait()

    with pytest.raises(TransientError):
        await work()


async def _renewals(database: Database, count: int) -> None:
    """Wait until the lease's end has moved `count` times."""
    seen = set()
    async with asyncio.timeout(10):
        while len(seen) <= count:
            document = await database["leases"].find_one({"_id": "sweep"})
            assert document is not None
            seen.add(document["until"])
