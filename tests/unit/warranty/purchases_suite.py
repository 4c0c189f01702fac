"""What every store of purchase records must do; memory and MongoDB both pass it."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from services.warranty.records.domain import OrderOwner, Owner
from services.warranty.records.store import DayCount, Position, Purchases, Shipped
from tests.unit.warranty.doubles import NOON, a_record


class PurchasesSuite:
    """What every `Purchases` must do. Subclasses give the fixture `purchases`, empty, with Tokyo's calendar."""

    async def test_a_record_reads_back_as_it_was_written(self, purchases: Purchases) -> None:
        record = a_record(owner="k-1")

        await purchases.add([record])

        assert await purchases.find(record.id, owner_key="k-1") == record

    async def test_the_first_record_of_an_item_stands(self, purchases: Purchases) -> None:
        await purchases.add([a_record(owner="k-1")])

        await purchases.add([a_record(owner="k-1", name="Another"), a_record("o-1-1-2", owner="k-1")])

        assert {record.id: record.name for record in await purchases.of_owner("k-1", limit=9)} == {
            "o-1-1-1": "Kisai Rogue",
            "o-1-1-2": "Kisai Rogue",
        }

    async def test_two_writers_of_one_item_leave_one_record(self, purchases: Purchases) -> None:
        await asyncio.gather(*(purchases.add([a_record(), a_record("o-1-1-2")]) for _ in range(8)))

        assert await purchases.count() == 2

    async def test_others_and_guests_records_are_not_found(self, purchases: Purchases) -> None:
        await purchases.add([a_record("o-1-1-1", owner="k-1"), a_record("o-2-1-1")])

        assert await purchases.find("o-1-1-1", owner_key="k-2") is None
        assert await purchases.find("o-2-1-1", owner_key="k-1") is None
        assert await purchases.of_owner("k-2", limit=9) == []

    async def test_pages_are_newest_first_and_hold_each_record_once(self, purchases: Purchases) -> None:
        moments = [NOON, NOON, NOON - timedelta(days=1), NOON + timedelta(days=1), NOON]
        await purchases.add([a_record(f"o-{n}", owner="k-1", at=at) for n, at in enumerate(moments)])

        seen: list[str] = []
        after: Position | None = None
        while page := await purchases.of_owner("k-1", limit=2, after=after):
            seen += [record.id for record in page]
            after = Position(page[-1].purchased_at, page[-1].id)

        assert seen == ["o-3", "o-4", "o-1", "o-0", "o-2"]

    async def test_an_owner_is_cut_off_from_all_records_and_from_no_others(self, purchases: Purchases) -> None:
        await purchases.add([a_record("o-1", owner="k-1"), a_record("o-2", owner="k-1"), a_record("o-3", owner="k-2")])
        before = [await purchases.count_of_owner(key) for key in ("k-1", "k-2", "k-3")]

        await purchases.unlink("k-1")
        await purchases.unlink("k-1")

        assert before == [2, 1, 0]
        assert [await purchases.count_of_owner(key) for key in ("k-1", "k-2")] == [0, 1]
        assert await purchases.of_owner("k-1", limit=9) == []
        assert await purchases.count() == 3

    async def test_days_are_counted_by_the_shops_calendar(self, purchases: Purchases) -> None:
        just_before_midnight = datetime(2026, 11, 19, 14, 59, tzinfo=UTC)
        moments = [just_before_midnight, just_before_midnight + timedelta(minutes=1), NOON, NOON - timedelta(days=9)]
        await purchases.add([a_record(f"o-{n}", at=at) for n, at in enumerate(moments)])

        by_day = await purchases.count_by_day(NOON - timedelta(days=2))

        assert by_day == [DayCount(date(2026, 11, 19), 1), DayCount(date(2026, 11, 20), 2)]

    async def test_an_accounts_record_stays_the_accounts_and_a_guests_or_nobodys_becomes_it(
        self, purchases: Purchases
    ) -> None:
        guests = replace(a_record("o-1-1-3"), owner=Owner("g-1", contact=b"c", proof="p"))
        await purchases.add([a_record("o-1-1-1"), a_record("o-1-1-2", owner="k-2"), guests])
        assert await purchases.find("o-1-1-3", owner_key="g-1") == guests

        for record in await purchases.of_order("o-1"):
            await purchases.link(record.id, Owner("k-1", b"sealed", b"contact"))
            await purchases.link(record.id, Owner("k-3", b"sealed"))

        linked = await purchases.of_owner("k-1", limit=9)
        assert sorted(record.id for record in linked) == ["o-1-1-1", "o-1-1-3"]
        assert {record.owner for record in linked} == {Owner("k-1", b"sealed", b"contact")}
        assert await purchases.of_owner("g-1", limit=9) == []
        assert [record.id for record in await purchases.of_owner("k-2", limit=9)] == ["o-1-1-2"]
        assert await purchases.of_order("o-9") == []

    async def test_the_serial_number_of_the_last_parcel_stands(self, purchases: Purchases) -> None:
        await purchases.add([a_record("o-1-1-1")])

        await purchases.number("o-1-1-1", "TF-2", at=NOON + timedelta(days=1))
        await purchases.number("o-1-1-1", "TF-1", at=NOON)
        await purchases.number("o-1-1-1", "TF-2", at=NOON + timedelta(days=1))

        [record] = await purchases.of_order("o-1")
        assert (record.serial, record.shipped_at) == ("TF-2", NOON)
        history = await purchases.serials("o-1-1-1")
        assert history == [Shipped("TF-1", NOON), Shipped("TF-2", NOON + timedelta(days=1))]
        assert await purchases.serials("o-9-1-1") == []

    async def test_a_serial_number_may_come_before_the_purchase(self, purchases: Purchases) -> None:
        await purchases.number("o-1-1-1", "TF-1", at=NOON)
        assert await purchases.of_serial("TF-1") is None

        await purchases.add([a_record("o-1-1-1")])

        found = await purchases.of_serial("TF-1")
        assert found is not None
        assert (found.id, found.serial) == ("o-1-1-1", "TF-1")

    async def test_what_happened_to_an_order_is_read_with_each_of_its_records(self, purchases: Purchases) -> None:
        await purchases.note_cancelled("o-1", at=NOON)
        await purchases.note_refunded("o-1", 19800)

        await purchases.add([a_record("o-1-1-1", owner="k-1"), a_record("o-1-1-2", owner="k-1")])

        read = [
            await purchases.find("o-1-1-1", owner_key="k-1"),
            *await purchases.of_owner("k-1", limit=9),
            *await purchases.of_order("o-1"),
        ]
        assert [(r.cancelled_at, r.order_refunded_minor) for r in read if r] == [(NOON, 19800)] * 5

    async def test_facts_of_an_order_come_in_any_order_and_any_number_of_times(self, purchases: Purchases) -> None:
        await purchases.add([a_record("o-1-1-1")])

        await asyncio.gather(*(purchases.note_refunded("o-1", minor) for minor in (200, 300, 100, 300)))
        await asyncio.gather(*(purchases.note_cancelled("o-1", at=NOON + timedelta(days=n)) for n in (1, 0, 2, 0)))
        await purchases.note_refunded("o-2", 900)

        [record] = await purchases.of_order("o-1")
        assert (record.cancelled_at, record.order_refunded_minor) == (NOON, 300)

    async def test_a_delivery_repairs_and_a_price_paid_back_are_noted_once_in_any_order(
        self, purchases: Purchases
    ) -> None:
        await purchases.note_delivered("o-1", at=NOON + timedelta(days=1))
        await purchases.extend("o-1-1-1", "c-1", 5)
        await purchases.add([a_record("o-1-1-1"), a_record("o-1-1-2")])
        await purchases.note_delivered("o-1", at=NOON)
        for _ in range(2):
            await purchases.extend("o-1-1-1", "c-1", 5)
            await purchases.extend("o-1-1-1", "c-2", 7)
            await purchases.note_paid_back("o-1-1-2", "c-3")

        one, two = await purchases.of_order("o-1")
        assert (one.delivered_at, one.extended_days, one.is_paid_back) == (NOON, 12, False)
        assert (two.delivered_at, two.extended_days, two.is_paid_back) == (NOON, 0, True)

    async def test_a_unit_is_found_by_the_serial_number_that_it_has_now(self, purchases: Purchases) -> None:
        await purchases.add([a_record("o-1-1-1"), a_record("o-1-1-2")])
        await purchases.number("o-1-1-1", "TF-1", at=NOON)
        await purchases.number("o-1-1-1", "TF-2", at=NOON + timedelta(days=1))
        await purchases.note_cancelled("o-1", at=NOON)

        found = await purchases.of_serial("TF-2")

        assert found is not None
        assert (found.id, found.cancelled_at) == ("o-1-1-1", NOON)
        assert [await purchases.of_serial(other) for other in ("TF-1", "TF", "")] == [None, None, None]

    async def test_the_first_who_claims_an_order_is_its_owner_until_cut_off(self, purchases: Purchases) -> None:
        first, second = OrderOwner("k-1", "a-1", b"sealed"), OrderOwner("k-2", "a-2", b"sealed too")

        await purchases.note_owner("o-1", first)
        await purchases.note_owner("o-1", second)

        assert await purchases.owner_of_order("o-1") == first
        assert await purchases.owner_of_order("o-2") is None
        await purchases.unlink("k-1")
        assert await purchases.owner_of_order("o-1") is None

    async def test_a_record_is_handed_on_once_by_its_code_until_it_runs_out(self, purchases: Purchases) -> None:
        await purchases.add([a_record("o-1", owner="k-1"), a_record("o-2", owner="k-1")])
        until = NOON + timedelta(days=1)

        not_mine = await purchases.offer("o-1", owner_key="k-2", code_key="c-0", until=until)
        mine = await purchases.offer("o-1", owner_key="k-1", code_key="c-1", until=until)
        await purchases.offer("o-1", owner_key="k-1", code_key="c-2", until=until)  # the newest counts
        seen = [await purchases.offered(code, NOON) for code in ("c-0", "c-1", "c-2")]
        late = await purchases.offered("c-2", until)
        owners = [Owner(f"k-{n}", b"sealed", b"contact") for n in range(3, 9)]
        await asyncio.gather(*(purchases.hand_on("c-2", owner, at=NOON, unclaimed_since=NOON) for owner in owners))

        assert (not_mine, mine, late) == (False, True, None)
        assert [record.id if record else None for record in seen] == [None, None, "o-1"]
        [taken] = [record for owner in owners if (record := await purchases.taken("c-2", owner.key))]
        assert (taken.id, taken.transferred_at, taken.owner in owners) == ("o-1", NOON, True)
        assert await purchases.find("o-1", owner_key="k-1") is None
        assert [record.id for record in await purchases.of_owner("k-1", limit=9)] == ["o-2"]

    async def test_a_record_that_is_being_claimed_is_not_handed_on(self, purchases: Purchases) -> None:
        await purchases.add([a_record("o-1-1-1", owner="k-1")])
        await purchases.offer("o-1-1-1", owner_key="k-1", code_key="c-1", until=NOON + timedelta(days=1))

        mine = await purchases.begin_claim("o-1-1-1", owner_key="k-1", at=NOON)
        others = await purchases.begin_claim("o-1-1-1", owner_key="k-2", at=NOON + timedelta(hours=1))
        await purchases.hand_on("c-1", Owner("k-2", b"2"), at=NOON, unclaimed_since=NOON)
        meanwhile = await purchases.taken("c-1", "k-2")
        await purchases.hand_on("c-1", Owner("k-2", b"2"), at=NOON, unclaimed_since=NOON + timedelta(milliseconds=1))

        assert (mine, others, meanwhile) == (True, False, None)
        assert await purchases.taken("c-1", "k-2") is not None

    async def test_a_withdrawn_offer_is_none_and_what_was_handed_on_is_linked_no_more(
        self, purchases: Purchases
    ) -> None:
        await purchases.add([a_record("o-1", owner="k-1"), a_record("o-2", owner="k-1")])
        until = NOON + timedelta(days=1)
        for record_id, code in (("o-1", "c-1"), ("o-2", "c-2")):
            await purchases.offer(record_id, owner_key="k-1", code_key=code, until=until)

        await purchases.withdraw_offer("o-1", owner_key="k-2")
        still = await purchases.offered("c-1", NOON)
        await purchases.withdraw_offer("o-1", owner_key="k-1")
        await purchases.hand_on("c-2", Owner("k-3", b"sealed"), at=NOON, unclaimed_since=NOON)
        await purchases.unlink("k-3")
        await purchases.link("o-2", Owner("k-1", b"sealed"))  # a replay of the stream

        assert still is not None
        assert await purchases.offered("c-1", NOON) is None
        assert await purchases.taken("c-2", "k-3") is None
        assert [record.id for record in await purchases.of_owner("k-1", limit=9)] == ["o-1"]
