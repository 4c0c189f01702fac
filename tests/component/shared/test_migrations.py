"""Documents of an older form are brought forward, whoever is cut off or writes meanwhile."""

import asyncio

import pytest

from shared.leases import Leases
from shared.migrations import COLLECTION, Migration, migrate, remaining
from shared.mongo import Database, Document

SPLIT: Document = {"name": {"$exists": True}}


def split(document: Document) -> Document:
    first, _, last = document["name"].partition(" ")
    return {"$set": {"first": first, "last": last}, "$unset": {"name": 1}}


SPLIT_NAMES = Migration("split-names", "people", SPLIT, split, reads=("name",))


async def fill(database: Database, count: int) -> None:
    await database["people"].insert_many([{"_id": number, "name": f"Ann {number}"} for number in range(count)])


async def test_every_document_of_the_older_form_is_brought_forward(database: Database) -> None:
    await fill(database, 25)
    await database["people"].insert_one({"_id": "new", "first": "Bob", "last": "B"})

    told = await migrate(database, [SPLIT_NAMES], Leases(database), batch=10)

    assert (told.done, told.left) == ({"split-names": 25}, {"split-names": 0})
    assert await database["people"].find_one({"_id": 24}) == {"_id": 24, "first": "Ann", "last": "24"}
    assert await database["people"].find_one({"_id": "new"}) == {"_id": "new", "first": "Bob", "last": "B"}


async def test_a_run_that_was_cut_off_goes_on_where_it_was(database: Database) -> None:
    await fill(database, 30)
    seen: list[int] = []

    def fails_once(document: Document) -> Document:
        if document["_id"] == 20 and 20 not in seen:
            seen.append(20)
            raise ConnectionError("killed")
        seen.append(document["_id"])
        return split(document)

    cut = Migration("split-names", "people", SPLIT, fails_once, reads=("name",))
    with pytest.raises(ConnectionError):
        await migrate(database, [cut], Leases(database), batch=10)
    assert await remaining(database, cut) == 10

    await migrate(database, [cut], Leases(database), batch=10)

    assert await remaining(database, cut) == 0
    assert sorted(seen) == sorted([*range(30), 20])


async def test_what_an_old_process_changes_meanwhile_is_left_and_taken_the_next_time(database: Database) -> None:
    await fill(database, 3)
    people = database.client.delegate[database.name]["people"]  # the old process, at the worst moment

    def changed_behind(document: Document) -> Document:
        if document["name"] == "Ann 1":
            people.update_one({"_id": 1}, {"$set": {"name": "Eve 1"}})
        return split(document)

    told = await migrate(database, [Migration("m", "people", SPLIT, changed_behind, reads=("name",))], Leases(database))
    assert (told.done, told.left) == ({"m": 2}, {"m": 1})
    assert await database["people"].find_one({"_id": 1}) == {"_id": 1, "name": "Eve 1"}

    await migrate(database, [SPLIT_NAMES], Leases(database))
    assert await database["people"].find_one({"_id": 1}) == {"_id": 1, "first": "Eve", "last": "1"}


async def test_two_at_once_do_it_once(database: Database) -> None:
    await fill(database, 200)

    both = await asyncio.gather(*(migrate(database, [SPLIT_NAMES], Leases(database), batch=10) for _ in range(2)))

    assert sum(each.done.get("split-names", 0) for each in both) == 200
    assert any(each.is_busy for each in both)
    state = await database[COLLECTION].find_one({"_id": "split-names"})
    assert state is not None
    assert (state["done"], "after" in state) == (200, False)
