"""Claims on the real database, by the suite of every store, and what only a database can get wrong."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.warranty.claims.deadlines import Due
from services.warranty.claims.documents import document_of, split
from services.warranty.claims.mongo import MongoClaims, ensure_claim_indexes
from services.warranty.claims.store import COLLECTION, MOST_FIGURED, Figures, QueuePosition
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


async def test_figures_are_read_from_indexes_and_no_further_than_they_are_shown(
    claims: MongoClaims, database: Database
) -> None:
    waiting = [a_claim(f"w-{n}", purchase=f"p-{n}") for n in range(MOST_FIGURED + 200)]
    late = [replace(each, clock=replace(each.clock, overdue=("first_answer",))) for each in waiting[:3]]
    ended = [a_claim(f"e-{n}", purchase=f"q-{n}").withdrawn(at=NOON + timedelta(hours=n)) for n in range(60)]
    documents = [split(document_of(each))[0] for each in (*late, *waiting[3:], *ended)]
    await database[COLLECTION].insert_many(documents)

    await database.command("profile", 2)
    figures = await claims.figures(NOON + timedelta(hours=30))
    await database.command("profile", 0)

    seen = await database["system.profile"].find({"ns": f"{database.name}.{COLLECTION}"}).to_list(None)
    spans = (0, 30, 0, 0, 0)
    assert figures == Figures({"submitted": MOST_FIGURED, "withdrawn": 60}, MOST_FIGURED, 3, 30, 45 * 3600, spans)
    assert len(seen) == 2
    assert sum(command["docsExamined"] for command in seen) == 3
    assert sum(command["keysExamined"] for command in seen) <= 2 * MOST_FIGURED + 200


async def test_deadlines_are_counted_in_one_reading_of_the_open_claims(claims: MongoClaims, database: Database) -> None:
    ended = [a_claim(f"e-{n}", purchase=f"q-{n}").withdrawn(at=NOON) for n in range(60)]
    waiting = [a_claim(f"w-{n}", purchase=f"p-{n}") for n in range(20)]
    await database[COLLECTION].insert_many([split(document_of(each))[0] for each in (*ended, *waiting)])

    await database.command("profile", 2)
    counts = await claims.by_deadline(NOON)
    await database.command("profile", 0)

    [seen] = await database["system.profile"].find({"ns": f"{database.name}.{COLLECTION}"}).to_list(None)
    assert {name: count for (name, due), count in counts.items() if due is Due.LATER} == {
        "first_answer": 20, "resolution": 20,
    }  # fmt: skip
    assert seen["docsExamined"] == 20


async def test_a_document_of_an_earlier_release_is_read(claims: MongoClaims, database: Database) -> None:
    await claims.add(a_claim(), [])
    await database[COLLECTION].update_one({"_id": "c-1"}, {"$set": {"saga.request": 2}})

    assert await claims.find("c-1") == a_claim()


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
    after = QueuePosition((await claims.queue(after=None, limit=20))[-1].clock.resolve_by, "c-19")

    await database.command("profile", 2)
    page = await claims.queue(after=after, limit=10)
    await database.command("profile", 0)

    [seen] = await database["system.profile"].find({"ns": f"{database.name}.{COLLECTION}"}).to_list(None)
    assert len(page) == 10
    assert seen["docsExamined"] <= 11
    assert seen["keysExamined"] <= 40
