"""What every store of orders must do, in memory and on MongoDB alike."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.orders.catalogue.store import Products
from services.orders.life.domain import Order, OrderNotFound
from services.orders.life.steps import Status
from services.orders.life.store import KeyTaken, Orders
from services.orders.payments.domain import Payment, PaymentState, Refund
from services.orders.payments.ledger import Ledger
from services.orders.payments.provider import Charge, Outcome
from services.orders.profile.store import Profiles, SealedProfile
from services.orders.stock.store import SoldOut, Stock, Wanted
from shared.events import Event
from shared.testing.clock import NOON
from tests.unit.orders.doubles import a_product, an_order

SKU, OTHER = "TF-KISAI-01", "TF-TOKI-10"


def an_event(order_id: str = "o-1") -> Event:
    return Event("e-1", "orders.purchase.completed.v1", "orders", order_id, NOON, {"order_id": order_id})


def a_paid(order: Order) -> Order:
    """The same order, paid."""
    payment = Payment(PaymentState.CAPTURED, captured_minor=order.total_minor)
    return replace(order.step(Status.PAID, at=NOON, by="buyer"), settled_at=NOON, payment=payment)


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

        kept = {order_id: (await orders.get(order_id)).card_fingerprint != "" for order_id in accounts}
        assert kept == {"o-1": False, "o-2": True, "o-3": True}

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

    async def test_pending_refunds_are_found_until_they_end(self, orders: Orders) -> None:
        for n in range(3):
            await orders.add(an_order(f"o-{n}"))
            await orders.save(a_paid(an_order(f"o-{n}")))
        read = await orders.get("o-1")
        wanted = Refund("r-1", 100, "desk", "staff:s-1", NOON)
        assert await orders.save(replace(read, payment=read.payment.with_refund(wanted)))

        [found] = await orders.with_pending_refunds(limit=9)
        assert (found.id, found.payment.pending) == ("o-1", (wanted,))
        assert await orders.save(replace(found, payment=found.payment.refund_done("r-1", at=NOON)))

        assert await orders.with_pending_refunds(limit=9) == []
        assert (await orders.get("o-1")).payment.refunded_minor == 100

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


class ProfilesSuite:
    async def test_the_last_profile_is_kept_until_it_is_removed(self, profiles: Profiles) -> None:
        await profiles.put(SealedProfile("a-1", b"first", NOON))
        await profiles.put(SealedProfile("a-1", b"second", NOON))

        assert await profiles.find("a-1") == SealedProfile("a-1", b"second", NOON)
        await profiles.remove("a-1")
        await profiles.remove("a-1")
        assert await profiles.find("a-1") is None
