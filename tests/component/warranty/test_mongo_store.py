import pytest

from services.warranty.records.mongo import MongoPurchases, ensure_purchase_indexes
from services.warranty.records.store import Position
from shared.mongo import Database
from tests.unit.warranty.doubles import NOON, TOKYO, a_record
from tests.unit.warranty.purchases_suite import PurchasesSuite


class TestMongoPurchases(PurchasesSuite):
    @pytest.fixture
    async def purchases(self, database: Database) -> MongoPurchases:
        await ensure_purchase_indexes(database)
        return MongoPurchases(database, time_zone=TOKYO)


async def test_indexes_can_be_ensured_again(database: Database) -> None:
    await ensure_purchase_indexes(database)

    await ensure_purchase_indexes(database)

    assert {"_id_", "owner", "purchased_at", "order", "offer", "taken"} == set(
        await database["purchases"].index_information()
    )
    assert {"_id_", "serial"} == set(await database["item_facts"].index_information())


async def test_a_list_examines_its_owners_records_alone(database: Database) -> None:
    await ensure_purchase_indexes(database)
    store = MongoPurchases(database, time_zone=TOKYO)
    await store.add([a_record(f"o-{n}", owner=f"k-{n % 10}") for n in range(200)])

    page = await store.of_owner("k-3", limit=5, after=Position(NOON, "o-33"))
    plan = await database["purchases"].find({"owner_key": "k-3"}).sort([("purchased_at", -1), ("_id", -1)]).explain()

    assert len(page) == 5
    assert plan["executionStats"]["totalDocsExamined"] == 20


async def test_nothing_about_the_owner_is_stored_in_clear(database: Database) -> None:
    await MongoPurchases(database, time_zone=TOKYO).add([a_record(owner="k-1"), a_record("o-2-1-1")])

    owned = await database["purchases"].find_one({"_id": "o-1-1-1"})
    guests = await database["purchases"].find_one({"_id": "o-2-1-1"})

    assert owned is not None
    assert guests is not None
    assert owned.keys() - guests.keys() == {"owner_key", "owner", "contact"}
    assert isinstance(owned["owner"], bytes)
