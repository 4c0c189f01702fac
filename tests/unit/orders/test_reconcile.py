"""Each kind of difference between the provider's ledger and ours is planted, and found; what agrees is not told."""

import argparse
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from services.orders.life.cancel import cancel
from services.orders.life.domain import Order
from services.orders.life.finish import sweep_unfinished
from services.orders.life.refunds import refund
from services.orders.life.steps import Status
from services.orders.measures import OWED_AGE, measure_owed
from services.orders.payments.commands import COMMAND
from services.orders.payments.differences import Difference, Kind
from services.orders.payments.domain import Refund
from services.orders.payments.provider import Charge, Outcome, Provider
from services.orders.payments.reconcile import APART, Counted, reconcile
from services.orders.payments.sandbox import Sandbox
from tests.unit.orders.doubles import MemoryLedger, MemoryOrders, an_order
from tests.unit.orders.provider_suite import A_CHARGE, ASKS_BANK, a_card
from tests.unit.orders.stripe_world import at_stripe, stripe_settings
from tests.unit.orders.world import CHARGES_LATE, DECLINED, PAYS, World, a_body, a_world


@dataclass
class Books:
    """A world whose two sides can be altered behind its back."""

    world: World

    @property
    def orders(self) -> dict[str, Order]:
        assert isinstance(self.world.stores.orders, MemoryOrders)
        return self.world.stores.orders.orders

    @property
    def charges(self) -> dict[str, Charge]:
        assert isinstance(self.world.stores.ledger, MemoryLedger)
        return self.world.stores.ledger.charges

    async def a_paid_order(self) -> Order:
        return (await self.world.buy(a_body(card=PAYS))).order

    async def differences(self, since: datetime | None = None) -> list[Difference]:
        return [each async for each in reconcile(self.world.deps, since=since, counted=Counted())]

    async def kinds(self) -> list[Kind]:
        return [each.kind for each in await self.differences()]


class Meanwhile:
    """A provider whose list was made before a charge that it knows when it is asked."""

    def __init__(self, provider: Sandbox, charge: Charge) -> None:
        self.charge = charge
        self.charges = provider.charges
        self._provider = provider

    async def lookup(self, order_id: str) -> Charge | None:
        return self.charge if order_id == self.charge.order_id else await self._provider.lookup(order_id)


@pytest.fixture
async def books(world: World) -> Books:
    """Two orders that agree stand around whatever is planted."""
    made = Books(world)
    await made.a_paid_order()
    await world.buy(a_body(card=DECLINED))
    return made


@pytest.fixture(autouse=True)
async def _the_books_still_agree_otherwise(books: Books) -> AsyncIterator[None]:
    yield
    assert len(await books.differences()) <= 1


async def _grow_old(books: Books, *, days: float = 1) -> None:
    books.world.clock.advance(days=days)
    await books.a_paid_order()


async def test_books_that_agree_have_no_difference(books: Books) -> None:
    paid = await books.a_paid_order()
    await books.world.buy(a_body(card=ASKS_BANK))
    await refund(books.world.deps, paid, Refund("r-1", 500, "desk", "staff:s-1", books.world.clock()))

    assert await books.differences() == []


async def test_a_charge_of_no_order_is_found(books: Books) -> None:
    stray = Charge("o-stray", 5_000, "JPY", Outcome.PAID, "", books.world.clock(), reference="ch_1")
    await books.world.stores.ledger.enter(stray)

    assert await books.differences() == [
        Difference(Kind.CHARGED_WITHOUT_ORDER, "o-stray", reference="ch_1", currency="JPY", theirs_minor=5_000,
                   theirs="paid")
    ]  # fmt: skip


async def test_a_charge_whose_order_does_not_count_as_paid_is_found(books: Books) -> None:
    order = await books.a_paid_order()
    books.orders[order.id] = replace(order, status=Status.FAILED, payment=replace(order.payment, captured_minor=0))

    assert await books.kinds() == [Kind.CHARGED_NOT_PAID]


async def test_a_paid_order_without_a_charge_is_found(books: Books) -> None:
    order = await books.a_paid_order()
    del books.charges[order.id]

    [found] = await books.differences()

    assert (found.kind, found.order_id, found.number) == (Kind.PAID_WITHOUT_CHARGE, order.id, order.number)
    assert (found.ours, found.ours_minor, found.theirs, found.theirs_minor) == ("captured", order.total_minor, "", 0)


@pytest.mark.parametrize("outcome", [Outcome.DECLINED, Outcome.VOIDED, Outcome.AUTHORISED, Outcome.NEEDS_ACTION])
async def test_a_paid_order_whose_charge_was_not_taken_is_found(books: Books, outcome: Outcome) -> None:
    order = await books.a_paid_order()
    books.charges[order.id] = replace(books.charges[order.id], outcome=outcome)

    assert await books.kinds() == [Kind.PAID_WITHOUT_CHARGE]


@pytest.mark.parametrize("change", [{"amount_minor": 1}, {"currency": "USD"}])
async def test_another_amount_or_currency_is_found(books: Books, change: dict[str, Any]) -> None:
    order = await books.a_paid_order()
    books.charges[order.id] = replace(books.charges[order.id], **change)

    assert await books.kinds() == [Kind.AMOUNT]


@pytest.mark.parametrize("theirs_minor", [499, 501, 0])
async def test_other_refunds_are_found(books: Books, theirs_minor: int) -> None:
    order = await books.a_paid_order()
    await refund(books.world.deps, order, Refund("r-1", 500, "desk", "staff:s-1", books.world.clock()))
    books.charges[order.id] = replace(books.charges[order.id], refunded_minor=theirs_minor)

    [found] = await books.differences()

    assert (found.kind, found.ours_minor, found.theirs_minor) == (Kind.REFUNDS, 500, theirs_minor)


@pytest.mark.parametrize("theirs_minor", [0, 500])
async def test_a_refund_that_is_pending_may_be_paid_or_not(books: Books, theirs_minor: int) -> None:
    order = await books.a_paid_order()
    await refund(books.world.without_provider(), order, Refund("r-1", 500, "desk", "staff:s-1", books.world.clock()))
    books.charges[order.id] = replace(books.charges[order.id], refunded_minor=theirs_minor)

    assert await books.differences() == []


async def _cancelled_without_a_provider(books: Books, order: Order) -> Order:
    return await cancel(books.world.without_provider(), order, by="buyer")


async def test_a_refund_that_is_never_paid_is_found_after_a_day(books: Books) -> None:
    order = await books.a_paid_order()
    await _cancelled_without_a_provider(books, order)
    books.world.clock.advance(seconds=23 * 3_600)
    assert await books.differences() == []

    await _grow_old(books, days=90)

    [found] = await books.differences()
    assert (found.kind, found.order_id, found.ours_minor, found.theirs_minor) == (
        Kind.REFUND_STUCK, order.id, order.total_minor, 0
    )  # fmt: skip


async def test_a_stuck_refund_of_an_order_from_before_is_found_too(books: Books) -> None:
    order = await books.a_paid_order()
    await _cancelled_without_a_provider(books, order)
    await _grow_old(books, days=90)

    assert [each.order_id for each in await books.differences(since=books.world.clock())] == [order.id]


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [(Outcome.PAID, Kind.CHARGED_NOT_PAID), (Outcome.AUTHORISED, Kind.SET_ASIDE_FOR_NOTHING)],
)
async def test_a_charge_that_is_never_voided_is_found_after_a_day(books: Books, outcome: Outcome, kind: Kind) -> None:
    order = await _in_review(books)
    await _cancelled_without_a_provider(books, order)
    books.charges[order.id] = replace(books.charges[order.id], outcome=outcome)
    assert await books.differences() == []

    await _grow_old(books, days=2)

    assert await books.kinds() == [kind]


async def test_the_age_of_the_oldest_refund_that_waits_is_measured(books: Books) -> None:
    order = await books.a_paid_order()
    await measure_owed(books.world.deps)
    assert OWED_AGE._value.get() == 0

    await _cancelled_without_a_provider(books, order)
    books.world.clock.advance(seconds=3 * 3_600)
    await measure_owed(books.world.deps)
    assert OWED_AGE._value.get() == 3 * 3_600

    await sweep_unfinished(books.world.deps)
    await measure_owed(books.world.deps)
    assert OWED_AGE._value.get() == 0


async def test_what_is_set_aside_too_long_is_found(books: Books) -> None:
    order = await _in_review(books)
    await _grow_old(books, days=5)
    assert await books.differences() == []

    await _grow_old(books, days=2)

    [found] = await books.differences()
    assert (found.kind, found.order_id) == (Kind.SET_ASIDE_TOO_LONG, order.id)


async def test_what_is_set_aside_for_an_order_that_has_ended_is_found(books: Books) -> None:
    order = await _in_review(books)
    books.orders[order.id] = replace(books.orders[order.id], status=Status.FAILED)

    assert await books.kinds() == [Kind.SET_ASIDE_FOR_NOTHING]


async def test_an_order_that_waits_for_nothing_is_found(books: Books) -> None:
    order = await _in_review(books)
    del books.charges[order.id]
    await _grow_old(books)

    assert await books.kinds() == [Kind.WAITS_WITHOUT_CHARGE]


async def test_what_is_under_way_is_no_difference_until_it_is_old(books: Books) -> None:
    with pytest.raises(Exception, match="outcome unknown"):
        await books.world.buy(a_body(card=CHARGES_LATE))
    books.world.caller_gave_up.set()
    await books.world.late_charges()
    assert await books.differences() == []

    books.world.clock.advance(seconds=601)

    assert await books.kinds() == [Kind.CHARGED_NOT_PAID]


async def test_what_was_settled_meanwhile_is_no_difference(books: Books) -> None:
    order = await books.a_paid_order()
    provider = Meanwhile(books.world.sandbox, books.charges.pop(order.id))

    told = [
        each
        async for each in reconcile(replace(books.world.deps, provider=cast("Provider", provider)), counted=Counted())
    ]

    assert told == []
    books.charges[order.id] = provider.charge


async def test_only_what_is_since_then_is_compared(books: Books) -> None:
    old = await books.a_paid_order()
    del books.charges[old.id]
    await _grow_old(books, days=2)

    assert await books.differences(since=books.world.clock() - timedelta(days=1)) == []
    assert len(await books.differences()) == 1


async def test_an_order_from_before_is_not_missed_by_its_charge_from_after(books: Books) -> None:
    order = await books.a_paid_order()
    books.charges[order.id] = replace(books.charges[order.id], charged_at=order.created_at + timedelta(minutes=2))

    assert await books.differences(since=order.created_at + timedelta(minutes=1)) == []


async def test_thousands_are_compared_with_few_in_memory(books: Books) -> None:
    start = books.world.clock()
    for n in range(3_000):
        at = start + timedelta(minutes=n)
        order = replace(an_order(f"o-{n:05}"), created_at=at, number=f"n-{n}")
        charge = Charge(order.id, order.total_minor, "JPY", Outcome.PAID, "", at)
        books.orders[order.id] = order.paid(at=at, event_id="e", buyer={})[0]
        books.charges[order.id] = charge
    counted = Counted()

    found = [each async for each in reconcile(books.world.deps, counted=counted)]

    assert found == []
    assert (counted.orders, counted.charges) == (3_002, 3_002)
    assert counted.held <= APART / timedelta(minutes=1) + 5


async def test_a_second_intent_for_an_order_is_found() -> None:
    async with (
        at_stripe() as stripe,
        a_world(provider=stripe.provider, clock=stripe.clock, settings=stripe_settings()) as world,
    ):
        books = Books(world)
        order = await books.a_paid_order()
        assert await books.differences() == []
        stripe.fake.intents.intents["pi_other"] = stripe.fake.intents.find(await stripe.intent_id(order.id)) | {
            "id": "pi_other"
        }
        foreign = await stripe.provider.charge(replace(A_CHARGE, order_id="o-foreign"), card=a_card())

        found = await books.differences()

    assert sorted((each.kind, each.reference) for each in found) == [
        (Kind.CHARGED_WITHOUT_ORDER, foreign.reference), (Kind.CHARGED_WITHOUT_ORDER, "pi_other"),
    ]  # fmt: skip


async def test_the_command_tells_each_difference_and_ends_with_one(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await COMMAND.run(books.world.deps, _arguments("reconcile")) == 0
    assert capsys.readouterr().out == "2 orders, 2 charges, 0 differences\n"
    order = await books.a_paid_order()
    del books.charges[order.id]

    assert await COMMAND.run(books.world.deps, _arguments("reconcile", "--json", "--since", "2026-11-01")) == 1

    first, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["kind"], first["order_id"]) == ("paid-without-charge", order.id)
    assert last == {"orders": 3, "charges": 2, "differences": 1}


async def test_the_command_names_nobody(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    order = await books.a_paid_order()
    del books.charges[order.id]

    for words in (["reconcile"], ["reconcile", "--json"]):
        await COMMAND.run(books.world.deps, _arguments(*words))

    told = capsys.readouterr().out
    assert order.number in told
    for personal in ("Ann", "ann@example.org", "Jingumae", "150-0001", "4242"):
        assert personal not in told


@pytest.mark.parametrize(("text", "moment"), [
    ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)), ("2026-11-01T09:00:00+09:00", datetime(2026, 11, 1, tzinfo=UTC)),
])  # fmt: skip
def test_since_is_a_day_or_a_time(text: str, moment: datetime) -> None:
    assert _arguments("reconcile", "--since", text).since == moment


async def _in_review(books: Books) -> Order:
    """An order whose money is set aside."""
    bought = await books.world.buy(a_body(card=ASKS_BANK))
    charge = books.charges[bought.order.id]
    books.charges[charge.order_id] = replace(charge, outcome=Outcome.AUTHORISED, capture=False, action_url="")
    await books.world.sweep(after_s=120)
    await sweep_unfinished(books.world.deps)
    order = books.orders[bought.order.id]
    assert order.status is Status.IN_REVIEW
    return order


def _arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    COMMAND.add_arguments(parser)
    return parser.parse_args(words)


def test_a_time_that_is_none_is_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    COMMAND.add_arguments(parser)

    with pytest.raises(SystemExit):
        parser.parse_args(["reconcile", "--since", "yesterday"])

    assert "must be a day or a time, such as 2026-11-01" in capsys.readouterr().err
