"""Claims on the real database, by the suite of every store, and what only a database can get wrong."""

from datetime import timedelta

import pytest

from services.warranty.claims.mongo import MongoClaims, ensure_claim_indexes
from services.warranty.claims.store import COLLECTION, Place
from shared.mongo import Database
from shared.testing.relay import MemoryRelay
from tests.unit.warranty.claim_doubles import a_claim
from tests.unit.warranty.claims_suite import ClaimsSuite
from tests.unit.warranty.doubles import NOON


@pytest.fixture
async def claims(database: Database) -> MongoClaims:
    await ensure_claim_indexes(database)
    return MongoClaims(database, MemoryRelay())


class TestMongoClaims(ClaimsSuite):
    pass


async def test_a_claimants_history_is_counted_from_indexes(claims: MongoClaims, database: Database) -> None:
    for n in range(60):
        await claims.add(a_claim(f"c-{n:02}", holder=f"k-{n % 20}", purchase=f"p-{n}"), [])

    await database.command("profile", 2)
    counted = await claims.count_earlier("k-3", "p-7", most=9)
    await database.command("profile", 0)

    [seen] = await database["system.profile"].find({"ns": f"{database.name}.{COLLECTION}"}).to_list(None)
    assert counted == 4
    assert seen["docsExamined"] <= 4
    assert seen["keysExamined"] <= 8


async def test_the_queue_reads_its_page_and_no_more(claims: MongoClaims, database: Database) -> None:
    for n in range(60):
        await claims.add(a_claim(f"c-{n:02}", purchase=f"p-{n}", at=NOON + timedelta(days=n)), [])
    after = Place((await claims.queue(after=None, limit=20))[-1].clock.resolve_by, "c-19")

    await database.command("profile", 2)
    page = await claims.queue(after=after, limit=10)
    await database.command("profile", 0)

    [seen] = await database["system.profile"].find({"ns": f"{database.name}.{COLLECTION}"}).to_list(None)
    assert len(page) == 10
    assert seen["docsExamined"] <= 11
    assert seen["keysExamined"] <= 40
