import asyncio

import pytest

from services.mailer.disclosure.domain import Draft, Grounds, OneAtATime, Step, asked
from services.mailer.disclosure.trail import MongoDisclosures, TrailIsBroken, disclosure_key_versions
from shared.testing.clock import FixedClock
from shared.testing.keys import MemoryKeys

GROUNDS = Grounds("Section 100j of the code", "12 Js 3/26", "key")


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture
def disclosures(database, clock):
    return MongoDisclosures(database, MemoryKeys(), clock)


def asking(id, by, clock):
    return lambda chronicle: asked(chronicle, id, by=by, address_key="k", grounds=GROUNDS, now=clock())


async def test_entries_written_at_once_make_one_chain(disclosures, clock):
    await asyncio.gather(*(disclosures.append(asking(f"d-{n}", f"officer-{n}", clock)) for n in range(8)))

    seen = await disclosures.verify()
    assert seen.faults == []
    assert [each.number for each in seen.entries] == list(range(1, 9))
    assert {each.disclosure_id for each in seen.entries} == {f"d-{n}" for n in range(8)}


async def test_of_an_officers_requests_at_once_one_is_taken(disclosures, clock):
    told = await asyncio.gather(
        *(disclosures.append(asking(f"d-{n}", "officer-1", clock)) for n in range(6)), return_exceptions=True
    )

    assert sum(isinstance(each, OneAtATime) for each in told) == 5
    assert len((await disclosures.verify()).entries) == 1


async def test_an_altered_entry_stops_everything(disclosures, database, clock):
    await disclosures.append(asking("d-1", "officer-1", clock))
    await disclosures.append(lambda chronicle: Draft("d-1", Step.APPROVED, "officer-2"))
    assert await disclosure_key_versions(database) == {1: 2}

    await database["disclosures"].update_one({"_id": 1}, {"$set": {"details.reference": "another"}})

    assert (await disclosures.verify()).faults != []
    with pytest.raises(TrailIsBroken):
        await disclosures.append(asking("d-2", "officer-3", clock))
