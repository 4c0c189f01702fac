"""What every store of orders must do, in memory and on MongoDB alike."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.orders.catalogue.store import Products
from services.orders.checkout.pricing import Quote
from services.orders.life.domain import Order, OrderNotFound, Personal
from services.orders.life.link_store import LinkRequests
from services.orders.life.parcel import Due, Replaced, Serial, SerialTaken, Shipment, Withdrawal
from services.orders.life.steps import Status, Step
from services.orders.life.store import Filter, KeyTaken, Orders
from services.orders.payments.domain import Payment, PaymentState, Refund
from services.orders.payments.ledger import Ledger
from services.orders.payments.provider import Charge, Outcome
from services.orders.profile.store import Profiles, SealedProfile
from services.orders.quotes.domain import GivenQuote
from services.orders.quotes.store import Quotes
from services.orders.screening.domain import Decision, Finding, Hit, Kind, Marks, Review, Verdict
from services.orders.stock.store import NotCounted, SoldOut, Stock, TooFew, Wanted
from services.orders.taxes.domain import Tax
from shared.errors import TransientError
from shared.events import Event
from shared.testing.clock import NOON
from tests.unit.orders.doubles import LINE, a_product, an_order

SKU, OTHER = "TF-KISAI-01", "TF-TOKI-10"


def an_event(order_id: str = "o-1") -> Event:
    return Event("e-1", "orders.purchase.completed.v1", "orders", order_id, NOON, {"order_id": order_id})


def a_paid(order: Order) -> Order:
    """The same order, paid."""
    payment = Payment(PaymentState.CAPTURED, captured_minor=order.total_minor)
    return replace(order.step(Status.PAID, at=NOON, by="buyer"), settled_at=NOON, payment=payment)


async def a_shipped(orders: Orders, order_id: str, *serials: str) -> Order:
    """Store an order of two units, pay it, and ship it."""
    await orders.add(an_order(order_id))
    paid = await orders.save(a_paid(an_order(order_id)))
    assert paid
    numbers = tuple(Serial(item.id, serial) for item, serial in zip(paid.items, serials, strict=True))
    shipped = await orders.save(paid.shipped(Shipment("Yamato", b"sealed", numbers), at=NOON, by="staff:s-1"))
    assert shipped
    return shipped


class OrdersSuite:
    async def test_an_order_comes_back_as_it_was_stored(self, orders: Orders) -> None:
        await orders.add(an_order())

        assert await orders.get("o-1") == an_order()
        assert await orders.find("o-1") == an_order()
        assert await orders.find_by_key("key of o-1") == an_order()

    async def test_an_accounts_cards_are_forgotten_and_no_others(self, orders: Orders) -> None:
        accounts = {"o-1": "a-1", "o-2": "a-2", "o-3": ""}
        for order_id, account in accounts.items():
            await orders.add(replace(an_order(order_id), account_id=account))

        for account in ("a-1", ""):
            await orders.forget_cards(account)

        found = {order_id: await orders.get(order_id) for order_id in accounts}
        kept = {order_id: order.card_fingerprint != "" for order_id, order in found.items()}
        assert kept == {"o-1": False, "o-2": True, "o-3": True}
        assert found["o-1"].marks == Marks()
        assert found["o-2"].marks == an_order().marks

    async def test_what_screening_and_a_review_have_said_comes_back(self, orders: Orders) -> None:
        await orders.add(an_order())
        hit = Hit("foreign-card", Decision.REVIEW, "from elsewhere")
        judged = replace(an_order(), screening=Verdict(Decision.REVIEW, (hit,), "7", "NG"))

        first = await orders.save(judged)
        assert first is not None
        second = await orders.save(
            replace(first, review=Review(Finding.APPROVE, "staff:s-1", NOON, b"note", (Kind.CARD,)))
        )

        assert second is not None
        stored = await orders.get("o-1")
        assert (stored.screening, stored.review) == (second.screening, second.review)
        assert stored.marks == an_order().marks

    async def test_what_is_not_there_is_not_found(self, orders: Orders) -> None:
        assert await orders.find("o-9") is None
        assert await orders.find_by_key("key of o-9") is None
        with pytest.raises(OrderNotFound):
            await orders.get("o-9")

    async def test_a_key_has_one_order(self, orders: Orders) -> None:
        await orders.add(an_order("o-1", key="same"))

        with pytest.raises(KeyTaken):
            await orders.add(an_order("o-2", key="same"))

        assert await orders.find("o-2") is None

    async def test_of_many_at_once_with_one_key_one_is_stored(self, orders: Orders) -> None:
        tries = (orders.add(an_order(f"o-{n}", key="same")) for n in range(20))

        outcomes = await asyncio.gather(*tries, return_exceptions=True)

        assert outcomes.count(None) == 1
        assert sum(isinstance(outcome, KeyTaken) for outcome in outcomes) == 19

    async def test_charging_ends_once(self, orders: Orders) -> None:
        await orders.add(an_order())
        paid = a_paid(an_order())

        outcomes = await asyncio.gather(*(orders.save(paid, [an_event()]) for _ in range(10)))

        assert [saved for saved in outcomes if saved] == [replace(paid, version=1)]
        assert await orders.save(an_order().failed(at=NOON)) is None
        assert await orders.get("o-1") == replace(paid, version=1)

    async def test_a_later_step_is_stored_once_and_keeps_what_never_changes(self, orders: Orders) -> None:
        await orders.add(an_order(account="a-1"))
        await orders.save(a_paid(an_order(account="a-1")), [an_event()])
        await orders.forget_cards("a-1")
        read = await orders.get("o-1")
        shipped = replace(read.step(Status.SHIPPED, at=NOON, by="staff:s-1", note="note"), card_fingerprint="other")

        outcomes = await asyncio.gather(*(orders.save(shipped) for _ in range(10)))

        assert len([saved for saved in outcomes if saved]) == 1
        assert await orders.get("o-1") == replace(shipped, version=2, card_fingerprint="")

    async def test_what_is_promised_is_found_until_it_is_done(self, orders: Orders) -> None:
        for n in range(3):
            await orders.add(an_order(f"o-{n}"))
            await orders.save(a_paid(an_order(f"o-{n}")))
        read = await orders.get("o-1")
        assert await orders.save(read.cancelled(at=NOON, by="buyer"))

        [found] = await orders.unfinished(limit=9)
        [refund] = found.payment.pending
        assert (found.id, refund.amount_minor, found.due) == ("o-1", found.total_minor, Due.GIVE_BACK)
        refunded = await orders.save(found.refund_done(refund.id, at=NOON))
        assert refunded
        assert await orders.unfinished(limit=9, behind="o-0") == [refunded]
        assert await orders.save(replace(refunded, due=Due.NOTHING))

        assert await orders.unfinished(limit=9) == []
        assert (await orders.get("o-1")).payment.refunded_minor == read.total_minor

    async def test_a_parcel_comes_back_as_it_was_stored(self, orders: Orders) -> None:
        shipped = await a_shipped(orders, "o-1", "TF-0001", "TF-0002")

        withdrawn = replace(shipped, withdrawal=Withdrawal(NOON, NOON), leftover_person="order:o-1")
        assert await orders.save(withdrawn)

        assert await orders.get("o-1") == replace(withdrawn, version=withdrawn.version + 1)

    async def test_an_orphan_is_found_until_it_is_cancelled(self, orders: Orders) -> None:
        for n in range(2):
            await orders.add(an_order(f"o-{n}", account="a-1"))
        paid = await orders.save(a_paid(an_order("o-1", account="a-1")))
        assert paid
        orphan = await orders.save(paid.orphaned())
        assert orphan

        wanting = await orders.newest(before="", limit=9, only=Filter(needs_attention=True))
        assert wanting == [orphan]
        assert await orders.save(orphan.cancelled(at=NOON, by="staff:s-1"))

        assert await orders.newest(before="", limit=9, only=Filter(needs_attention=True)) == []

    async def test_a_serial_number_is_given_once(self, orders: Orders) -> None:
        await a_shipped(orders, "o-1", "TF-0001", "TF-0002")

        with pytest.raises(SerialTaken):
            await a_shipped(orders, "o-2", "TF-0003", "TF-0002")

        assert (await orders.get("o-2")).status is Status.PAID
        assert await a_shipped(orders, "o-3", "TF-0003", "TF-0004")

    async def test_of_many_who_give_one_serial_number_one_ships(self, orders: Orders) -> None:
        ways = (a_shipped(orders, f"o-{n}", f"TF-1{n:03}", "TF-0001") for n in range(10))

        outcomes = await asyncio.gather(*ways, return_exceptions=True)

        assert sum(isinstance(outcome, SerialTaken) for outcome in outcomes) == 9

    async def test_a_replacement_keeps_what_it_stands_in_for(self, orders: Orders) -> None:
        order = replace(an_order(), replaces=Replaced("o-0", "o-0-1-1", "c-1"), due=Due.TAKE)

        await orders.add(order)

        assert await orders.get("o-1") == order
        assert await orders.unfinished(limit=9) == [order]

    async def test_a_guests_orders_are_found_by_the_address_until_an_account_claims_them(self, orders: Orders) -> None:
        for n in range(3):
            await orders.add(replace(an_order(f"o-{n}"), contact_key="k-1" if n else "k-2"))
        await orders.save((await orders.get("o-2")).failed(at=NOON))
        read = await orders.save(a_paid(await orders.get("o-1")))
        assert read
        assert [order.id for order in await orders.of_guest("k-1", limit=9)] == ["o-1"]
        assert await orders.of_guest("", limit=9) == []

        own = Personal("a-1", b"contact anew", b"shipping anew", b"card anew", b"ending anew")
        claims = (
            orders.claim(replace(read, account_id="a-1", personal=own, leftover_person="order:o-1"), [an_event()])
            for _ in range(5)
        )
        claimed = [order for order in await asyncio.gather(*claims) if order]

        assert len(claimed) == 1
        assert await orders.get("o-1") == claimed[0]
        assert (claimed[0].account_id, claimed[0].personal, claimed[0].contact_key) == ("a-1", own, "")
        assert await orders.of_guest("k-1", limit=9) == []
        assert [order.id for order in await orders.of_account("a-1", before="", limit=9)] == ["o-1"]

    async def test_mere_attempts_push_no_order_of_a_guest_out(self, orders: Orders) -> None:
        for n in range(8):
            await orders.add(replace(an_order(f"o-{n}"), contact_key="k-1"))
        await orders.save(a_paid(await orders.get("o-1")))
        await orders.save((await orders.get("o-2")).in_review(at=NOON))
        await orders.save((await orders.get("o-3")).needs_action("https://bank.example", at=NOON))
        await orders.save((await orders.get("o-4")).failed(at=NOON))
        await orders.save((await orders.get("o-5")).declined("card_declined", at=NOON))
        waiting = await orders.save((await orders.get("o-6")).needs_action("https://bank.example", at=NOON))
        assert waiting
        await orders.save(waiting.cancelled(at=NOON, by="buyer"))

        assert [order.id for order in await orders.of_guest("k-1", limit=2)] == ["o-2", "o-1"]

    async def test_a_replacement_is_an_order_of_the_guests(self, orders: Orders) -> None:
        first = Step(Status.IN_PREPARATION, NOON, "shop")
        await orders.add(replace(an_order(status=Status.IN_PREPARATION), history=(first,), contact_key="k-1"))

        assert [order.id for order in await orders.of_guest("k-1", limit=2)] == ["o-1"]

    async def test_the_desk_finds_by_number_status_and_refused_refunds(self, orders: Orders) -> None:
        for n in range(3):
            await orders.add(an_order(f"o-{n}"))
        paid = await orders.save(a_paid(an_order("o-1")))
        assert paid
        wanted = Refund("r-1", 100, "desk", "staff:s-1", NOON, note="price")
        refused = replace(paid, payment=paid.payment.with_refund(wanted).refund_refused("r-1", "too-late", at=NOON))
        assert await orders.save(refused)

        async def found(only: Filter) -> list[str]:
            return [order.id for order in await orders.newest(before="", limit=9, only=only)]

        assert await found(Filter(number="N-o-2")) == ["o-2"]
        assert await found(Filter(number="N-o-9")) == []
        assert await found(Filter(status=Status.CHARGING)) == ["o-2", "o-0"]
        assert await found(Filter(needs_attention=True)) == ["o-1"]
        assert await found(Filter()) == ["o-2", "o-1", "o-0"]

    async def test_a_declined_order_keeps_its_reason_and_its_key(self, orders: Orders) -> None:
        await orders.add(an_order())
        declined = an_order().declined("card-declined", at=NOON)

        assert await orders.save(declined)

        assert await orders.find_by_key("key of o-1") == replace(declined, version=1)

    async def test_a_failed_order_gives_its_key_up(self, orders: Orders) -> None:
        await orders.add(an_order())

        assert await orders.save(an_order().failed(at=NOON))
        await orders.add(an_order("o-2", key="key of o-1"))

        assert (await orders.get("o-1")).status is Status.FAILED
        assert await orders.find_by_key("key of o-1") == an_order("o-2", key="key of o-1")

    async def test_only_a_charging_order_is_withdrawn(self, orders: Orders) -> None:
        await orders.add(an_order("o-1"))
        await orders.add(an_order("o-2"))
        await orders.save(an_order("o-2").declined("card-declined", at=NOON))

        await orders.withdraw("o-1")
        await orders.withdraw("o-2")

        assert await orders.find("o-1") is None
        assert await orders.find("o-2") is not None

    async def test_old_charging_orders_are_found_oldest_first(self, orders: Orders) -> None:
        for n, age_s in enumerate([30, 25, 5]):
            await orders.add(an_order(f"o-{n}", at=NOON - timedelta(seconds=age_s)))
        await orders.save(replace(an_order("o-0"), status=Status.PAID), [an_event("o-0")])

        found = await orders.standing_since(Status.CHARGING, NOON - timedelta(seconds=20), limit=10)

        assert [order.id for order in found] == ["o-1"]

    async def test_charging_orders_are_found_page_by_page(self, orders: Orders) -> None:
        for n in range(3):
            await orders.add(an_order(f"o-{n}", at=NOON - timedelta(seconds=30)))

        page = await orders.standing_since(Status.CHARGING, NOON, limit=2, behind="o-0")

        assert [order.id for order in page] == ["o-1", "o-2"]

    async def test_all_orders_of_an_account_are_its_own_with_the_failed(self, orders: Orders) -> None:
        for n, account in enumerate(["a-1", "a-1", "a-2", ""]):
            await orders.add(an_order(f"o-{n}", account=account))
        await orders.save(an_order("o-0", account="a-1").failed(at=NOON))

        found = await orders.every_of_account("a-1", before="", limit=9)

        assert [order.id for order in found] == ["o-1", "o-0"]
        assert [order.id for order in await orders.every_of_account("a-1", before="o-1", limit=9)] == ["o-0"]
        assert [await orders.count_of_account(account) for account in ("a-1", "a-2", "a-3", "")] == [2, 1, 0, 0]

    async def test_statuses_are_given_for_those_that_are_there(self, orders: Orders) -> None:
        await orders.add(an_order())

        assert await orders.statuses({"o-1", "o-9"}) == {"o-1": Status.CHARGING}

    async def test_lists_go_back_in_time_page_by_page(self, orders: Orders) -> None:
        for n in range(5):
            await orders.add(an_order(f"o-{n}", account="a-1" if n % 2 else "a-2"))

        assert [order.id for order in await orders.newest(before="", limit=2)] == ["o-4", "o-3"]
        assert [order.id for order in await orders.newest(before="o-3", limit=9)] == ["o-2", "o-1", "o-0"]
        assert [order.id for order in await orders.of_account("a-1", before="o-3", limit=9)] == ["o-1"]

    async def test_an_attempt_that_failed_is_no_order_to_its_buyer(self, orders: Orders) -> None:
        await orders.add(an_order("o-1", account="a-1"))
        await orders.add(an_order("o-2", account="a-1"))
        await orders.save(an_order("o-2", account="a-1").failed(at=NOON))

        assert [order.id for order in await orders.of_account("a-1", before="", limit=9)] == ["o-1"]

    async def test_counts_name_each_status(self, orders: Orders) -> None:
        await orders.add(an_order("o-1"))
        await orders.add(an_order("o-2"))
        await orders.save(an_order("o-2").declined("card-declined", at=NOON))

        counts = await orders.counts()
        assert set(counts) == set(Status)
        assert {status: n for status, n in counts.items() if n} == {Status.CHARGING: 1, Status.DECLINED: 1}


class StockSuite:
    """The fixture `stock` has 5 of SKU and 3 of OTHER; `left` tells how many there are."""

    async def left(self, sku: str = SKU) -> int:
        raise NotImplementedError

    async def test_a_hold_takes_from_the_count(self, stock: Stock) -> None:
        await stock.reserve("o-1", [Wanted(SKU, 2), Wanted(OTHER, 3)], at=NOON)

        assert (await self.left(), await self.left(OTHER)) == (3, 0)

    async def test_all_lines_or_none(self, stock: Stock) -> None:
        with pytest.raises(SoldOut) as refusal:
            await stock.reserve("o-1", [Wanted(SKU, 2), Wanted(OTHER, 4)], at=NOON)

        assert [fault.pointer for fault in refusal.value.fields] == ["/lines/1/quantity"]
        assert (await self.left(), await self.left(OTHER)) == (5, 3)
        assert await stock.holds_before(NOON + timedelta(days=1), limit=10) == []

    async def test_what_is_not_kept_is_sold_out(self, stock: Stock) -> None:
        with pytest.raises(SoldOut):
            await stock.reserve("o-1", [Wanted("TF-NONE-00", 1)], at=NOON)

    async def test_thirty_at_once_for_five_get_five(self, stock: Stock) -> None:
        tries = (stock.reserve(f"o-{n}", [Wanted(SKU, 1)], at=NOON) for n in range(30))

        outcomes = await asyncio.gather(*tries, return_exceptions=True)

        assert outcomes.count(None) == 5
        assert sum(isinstance(outcome, SoldOut) for outcome in outcomes) == 25
        assert await self.left() == 0

    async def test_a_large_order_does_not_keep_small_ones_from_what_is_left(self, stock: Stock) -> None:
        quantities = [1, 9, 1, 9, 1]

        outcomes = await asyncio.gather(
            *(stock.reserve(f"o-{n}", [Wanted(SKU, much)], at=NOON) for n, much in enumerate(quantities)),
            return_exceptions=True,
        )

        assert [outcome is None for outcome in outcomes] == [True, False, True, False, True]
        assert await self.left() == 2

    async def test_a_hold_is_given_back_once(self, stock: Stock) -> None:
        await stock.reserve("o-1", [Wanted(SKU, 2)], at=NOON)

        await asyncio.gather(*(stock.release("o-1", [Wanted(SKU, 2)]) for _ in range(5)))

        assert await self.left() == 5

    async def test_who_holds_nothing_gives_nothing_back(self, stock: Stock) -> None:
        await stock.reserve("o-1", [Wanted(SKU, 2)], at=NOON)

        await stock.release("o-2", [Wanted(SKU, 2)])

        assert await self.left() == 3

    async def test_what_is_sold_is_not_given_back(self, stock: Stock) -> None:
        await stock.reserve("o-1", [Wanted(SKU, 2)], at=NOON)
        await stock.forget(SKU, ["o-1"])

        await stock.release("o-1", [Wanted(SKU, 2)])

        assert await self.left() == 3
        assert await stock.holds_before(NOON + timedelta(days=1), limit=10) == []

    async def test_old_holds_are_listed(self, stock: Stock) -> None:
        await stock.reserve("o-1", [Wanted(SKU, 2)], at=NOON)
        await stock.reserve("o-2", [Wanted(SKU, 1)], at=NOON + timedelta(seconds=9))

        [hold] = await stock.holds_before(NOON + timedelta(seconds=5), limit=10)

        assert (hold.sku, hold.order_id, hold.quantity, hold.held_at) == (SKU, "o-1", 2, NOON)

    async def test_what_was_sold_comes_back_once(self, stock: Stock) -> None:
        await stock.reserve("o-1", [Wanted(SKU, 2), Wanted(OTHER, 1)], at=NOON)
        await stock.forget(SKU, ["o-1"])

        await asyncio.gather(*(stock.give_back("o-1", [Wanted(SKU, 2), Wanted(OTHER, 1)], at=NOON) for _ in range(5)))

        assert (await self.left(), await self.left(OTHER)) == (5, 3)
        assert await stock.holds_before(NOON + timedelta(days=1), limit=10) == []

    async def test_what_came_back_is_not_released_again(self, stock: Stock) -> None:
        await stock.reserve("o-1", [Wanted(SKU, 2)], at=NOON)

        await stock.give_back("o-1", [Wanted(SKU, 2)], at=NOON)
        await stock.release("o-1", [Wanted(SKU, 2)])

        assert await self.left() == 5

    async def test_a_unit_is_taken_once_without_a_charge(self, stock: Stock) -> None:
        await asyncio.gather(*(stock.take("o-1", [Wanted(SKU, 2)], at=NOON) for _ in range(5)))

        assert await self.left() == 3
        await stock.give_back("o-1", [Wanted(SKU, 2)], at=NOON)
        assert await self.left() == 5

    async def test_what_is_not_there_is_not_taken(self, stock: Stock) -> None:
        outcomes = await asyncio.gather(
            *(stock.take(f"o-{n}", [Wanted(SKU, 2)], at=NOON) for n in range(5)), return_exceptions=True
        )

        assert sum(isinstance(outcome, SoldOut) for outcome in outcomes) == 3
        assert await self.left() == 1
        with pytest.raises(SoldOut):
            await stock.take("o-9", [Wanted("TF-NONE-00", 1)], at=NOON)

    async def test_marks_are_listed_until_they_are_forgotten(self, stock: Stock) -> None:
        await stock.take("o-1", [Wanted(SKU, 2)], at=NOON)
        await stock.give_back("o-2", [Wanted(OTHER, 1)], at=NOON + timedelta(seconds=9))

        [mark] = await stock.marks_before(NOON + timedelta(seconds=5), limit=10)

        assert (mark.sku, mark.order_id, mark.marked_at) == (SKU, "o-1", NOON)
        await stock.forget_mark(mark)
        assert await stock.marks_before(NOON + timedelta(seconds=5), limit=10) == []

    async def test_staff_changes_leave_what_is_held(self, stock: Stock) -> None:
        await stock.reserve("o-1", [Wanted(SKU, 2)], at=NOON)

        assert await stock.adjust(SKU, 4) == 7
        assert await stock.adjust(SKU, -6) == 1
        assert await stock.recount(SKU, 9) == 9

        await stock.release("o-1", [Wanted(SKU, 2)])
        assert await self.left() == 11

    async def test_no_more_is_taken_away_than_is_free(self, stock: Stock) -> None:
        await stock.reserve("o-1", [Wanted(SKU, 2)], at=NOON)

        with pytest.raises(TooFew):
            await stock.adjust(SKU, -4)

        assert await self.left() == 3

    async def test_buyers_and_staff_at_once_take_no_more_than_there_are(self, stock: Stock) -> None:
        buyers = [stock.reserve(f"o-{n}", [Wanted(SKU, 1)], at=NOON) for n in range(10)]
        staff = [stock.adjust(SKU, -1) for _ in range(10)]

        outcomes = await asyncio.gather(*buyers, *staff, return_exceptions=True)

        refused = [outcome for outcome in outcomes if isinstance(outcome, (SoldOut, TooFew))]
        assert len(refused) == 15
        assert await self.left() == 0

    async def test_what_is_not_counted_is_not_changed(self, stock: Stock) -> None:
        with pytest.raises(NotCounted):
            await stock.adjust("TF-NONE-00", 1)
        with pytest.raises(NotCounted):
            await stock.recount("TF-NONE-00", 1)


class LinkRequestsSuite:
    async def test_what_was_asked_waits_until_it_is_answered(self, links: LinkRequests) -> None:
        await links.ask("k-1", language="de", at=NOON)

        [request] = await links.waiting(limit=9)
        assert (request.contact_key, request.language, request.asked_at) == ("k-1", "de", NOON)
        await links.answer(request, [an_event()])
        await links.answer(request, [an_event()])

        assert await links.waiting(limit=9) == []

    async def test_what_is_asked_again_meanwhile_still_waits(self, links: LinkRequests) -> None:
        await links.ask("k-1", language="de", at=NOON)
        [request] = await links.waiting(limit=9)
        await links.ask("k-1", language="ja", at=NOON + timedelta(seconds=1))

        await links.answer(request, [])

        assert [again.language for again in await links.waiting(limit=9)] == ["ja"]

    async def test_three_a_day_are_answered_however_many_ask_at_once(self, links: LinkRequests) -> None:
        answered = 0
        for second in range(5):
            at = NOON + timedelta(seconds=second)
            await links.ask("k-1", language="en", at=at)
            for request in await links.waiting(limit=9):
                await links.answer(request, [])
                answered += 1

        assert answered == 3
        await asyncio.gather(*(links.ask("k-2", language="en", at=NOON) for _ in range(20)))
        assert len(await links.waiting(limit=9)) == 1
        await links.ask("k-1", language="en", at=NOON + timedelta(days=1))
        assert len(await links.waiting(limit=9)) == 2


class LedgerSuite:
    async def test_the_first_entry_of_an_order_counts(self, ledger: Ledger) -> None:
        paid = Charge("o-1", 100, "JPY", Outcome.PAID, "", NOON)
        voided = Charge("o-1", 0, "", Outcome.VOIDED, "", NOON)

        assert await ledger.enter(paid) == paid
        assert await ledger.enter(voided) == paid
        assert await ledger.find("o-1") == paid
        assert await ledger.find("o-2") is None

    async def test_of_many_at_once_all_are_told_the_same(self, ledger: Ledger) -> None:
        entries = [Charge("o-1", amount, "JPY", Outcome.PAID, "", NOON) for amount in range(20)]

        counted = await asyncio.gather(*(ledger.enter(entry) for entry in entries))

        assert len({charge.amount_minor for charge in counted}) == 1

    async def test_entries_are_listed_and_counted(self, ledger: Ledger) -> None:
        for n, outcome in enumerate([Outcome.PAID, Outcome.DECLINED, Outcome.PAID]):
            await ledger.enter(Charge(f"o-{n}", 100, "JPY", outcome, "", NOON))

        assert [charge.order_id for charge in await ledger.entries(behind="o-0", limit=1)] == ["o-1"]
        newest = [await ledger.entries(behind=behind, limit=9, newest_first=True) for behind in ("", "o-2")]
        assert [[charge.order_id for charge in page] for page in newest] == [["o-2", "o-1", "o-0"], ["o-1", "o-0"]]
        counts = await ledger.counts()
        assert set(counts) == set(Outcome)
        assert {outcome: n for outcome, n in counts.items() if n} == {Outcome.PAID: 2, Outcome.DECLINED: 1}

    @pytest.mark.parametrize("ends_as", [Outcome.PAID, Outcome.VOIDED])
    async def test_what_was_set_aside_ends_once(self, ledger: Ledger, ends_as: Outcome) -> None:
        await ledger.enter(Charge("o-1", 100, "JPY", Outcome.AUTHORISED, "", NOON))

        ends = await asyncio.gather(*(ledger.end("o-1", ends_as) for _ in range(5)))
        after = [await ledger.end("o-1", other) for other in (Outcome.PAID, Outcome.VOIDED)]

        assert {charge.outcome for charge in (*ends, *after)} == {ends_as}

    async def test_only_what_stands_where_it_should_is_ended(self, ledger: Ledger) -> None:
        asked = Charge("o-1", 100, "JPY", Outcome.NEEDS_ACTION, "", NOON, action_url="https://bank/1", capture=False)
        await ledger.enter(asked)

        assert await ledger.end("o-1", Outcome.PAID, standing={Outcome.AUTHORISED}) == asked
        authorised = await ledger.end("o-1", Outcome.AUTHORISED, standing={Outcome.NEEDS_ACTION})
        late = await ledger.end("o-1", Outcome.DECLINED, reason="no", standing={Outcome.NEEDS_ACTION})

        assert authorised == late == replace(asked, outcome=Outcome.AUTHORISED, action_url="")

    async def test_what_was_never_entered_does_not_end(self, ledger: Ledger) -> None:
        with pytest.raises(TransientError):
            await ledger.end("o-1", Outcome.PAID)

        assert await ledger.find("o-1") is None

    async def test_refunds_never_exceed_the_charge(self, ledger: Ledger) -> None:
        await ledger.enter(Charge("o-1", 100, "JPY", Outcome.PAID, "", NOON))

        entered = await asyncio.gather(*(ledger.refund("o-1", f"r-{n}", 30) for n in range(10)))

        assert entered.count(True) == 3
        assert [charge.refunded_minor for charge in await ledger.entries(behind="", limit=9)] == [90]

    async def test_a_refund_is_entered_once(self, ledger: Ledger) -> None:
        await ledger.enter(Charge("o-1", 100, "JPY", Outcome.PAID, "", NOON))

        entered = await asyncio.gather(*(ledger.refund("o-1", "r-1", 60) for _ in range(10)))

        assert set(entered) == {True}
        assert await ledger.refund("o-1", "r-1", 50) is False
        assert [charge.refunded_minor for charge in await ledger.entries(behind="", limit=9)] == [60]

    async def test_what_was_not_taken_is_not_refunded(self, ledger: Ledger) -> None:
        await ledger.enter(Charge("o-1", 100, "JPY", Outcome.AUTHORISED, "", NOON))

        assert await ledger.refund("o-1", "r-1", 60) is False
        assert await ledger.refund("o-2", "r-1", 60) is False


class ProductsSuite:
    async def test_products_are_offered_by_sku(self, products: Products) -> None:
        await products.put(a_product(OTHER), stock=3)
        await products.put(a_product(SKU), stock=5)

        offers = await products.offers()

        assert [(offer.product, offer.stock) for offer in offers] == [(a_product(SKU), 5), (a_product(OTHER), 3)]

    async def test_describing_anew_leaves_the_stock(self, products: Products) -> None:
        await products.put(a_product(), stock=5)

        await products.put(replace(a_product(), weight_g=7), stock=100)

        [offer] = await products.offers()
        assert (offer.product.weight_g, offer.stock) == (7, 5)

    async def test_adding_leaves_a_product_that_is_there(self, products: Products) -> None:
        retired = replace(a_product(SKU), is_retired=True)
        await products.put(retired, stock=5)

        await products.add(a_product(SKU), stock=100)
        await products.add(a_product(OTHER), stock=3)

        offers = await products.offers()
        assert [(offer.product, offer.stock) for offer in offers] == [(retired, 5), (a_product(OTHER), 3)]


class ProfilesSuite:
    async def test_the_last_profile_is_kept_until_it_is_removed(self, profiles: Profiles) -> None:
        assert await profiles.put(SealedProfile("a-1", b"first", NOON))
        assert await profiles.put(SealedProfile("a-1", b"second", NOON, revision=1))

        assert await profiles.find("a-1") == SealedProfile("a-1", b"second", NOON, revision=2)
        await profiles.remove("a-1")
        await profiles.remove("a-1")
        assert await profiles.find("a-1") is None
        assert await profiles.put(SealedProfile("a-1", b"late", NOON, revision=2)) is False

    async def test_of_many_who_have_read_the_same_one_writes(self, profiles: Profiles) -> None:
        for revision in (0, 1):
            tries = (profiles.put(SealedProfile("a-1", b"box", NOON, revision)) for _ in range(9))
            assert (await asyncio.gather(*tries)).count(True) == 1


class QuotesSuite:
    async def test_a_quote_comes_back_as_it_was_given(self, quotes: Quotes) -> None:
        tax = Tax("vat", 1_900, 2_491, included=True)
        given = GivenQuote("q-1", Quote((LINE,), "EUR", "DE", 800, tax), NOON)

        await quotes.add(given)

        assert await quotes.find("q-1") == given
        assert await quotes.find("q-2") is None
