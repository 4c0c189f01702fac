"""A consumer in the EU withdraws from a purchase in two steps, and is told when it was received."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from services.orders.life.domain import Order
from services.orders.life.refunds import refund
from services.orders.life.shipping import Parcel, deliver, ship, take_back
from services.orders.life.steps import Status, Step
from services.orders.life.view import view_of
from services.orders.life.withdrawal import (
    NoRightOfWithdrawal,
    WithdrawalNotDeclared,
    confirm_withdrawal,
    declare_withdrawal,
)
from services.orders.life.withdrawal_right import withdraw_until
from services.orders.payments.domain import Refund
from shared.contracts.orders import Notified, OrderCancelled, RefundCompleted, WithdrawalReceived
from tests.unit.orders.doubles import an_order
from tests.unit.orders.world import World, a_body

Client = TestClient[Any, Any]
BERLIN = {"line1": "Torstrasse 1", "city": "Berlin", "postcode": "10117", "country": "DE"}
BY = "staff:s-1"
DAY_S = 86_400


@pytest.fixture
def eu(world: World) -> World:
    world.deps = replace(world.deps, settings=world.deps.settings.model_copy(update={"sells_in_eu": True}))
    return world


async def bought(world: World, **body: Any) -> Order:
    return (await world.buy(a_body(**{"currency": "USD", "shipping": BERLIN} | body))).order


async def shipped(world: World) -> Order:
    return await ship(world.deps, await bought(world), Parcel("DHL", "1234-5678"), by=BY)


async def delivered(world: World) -> Order:
    return await deliver(world.deps, await shipped(world), by=BY)


async def withdrawn(world: World, order: Order) -> Order:
    return await confirm_withdrawal(world.deps, await declare_withdrawal(world.deps, order))


def told(world: World, order: Order) -> list[str]:
    return [event.type for event in world.pending[order.id]]


async def test_before_shipping_a_withdrawal_cancels_and_refunds(eu: World) -> None:
    order = await withdrawn(eu, await bought(eu))

    assert order.status is Status.CANCELLED
    assert order.payment.refunded_minor == order.total_minor
    assert [refund.source for refund in order.payment.refunds] == ["withdrawal"]
    event = next(each for each in eu.pending[order.id] if each.type == WithdrawalReceived.TYPE)
    received = event.read(WithdrawalReceived)
    assert (received.must_return, received.refund_minor) == (False, order.total_minor)
    assert received.received_at == eu.clock()
    to = eu.sealing.unsealer("mailer").open(Notified, received.recipient, event=event, field="recipient")
    assert to.email == "ann@example.org"
    assert OrderCancelled.TYPE in told(eu, order)


@pytest.mark.parametrize("begin", [shipped, delivered])
async def test_after_shipping_the_money_follows_with_the_return(eu: World, begin: Any) -> None:
    order = await withdrawn(eu, await begin(eu))
    before = order.payment.refunds

    order = await take_back(eu.deps, order, by=BY)

    assert before == ()
    assert order.payment.refunded_minor == order.total_minor
    assert order.status is Status.REFUNDED
    assert told(eu, order).count(RefundCompleted.TYPE) == 1


async def test_a_return_without_a_withdrawal_refunds_nothing_by_itself(eu: World) -> None:
    order = await take_back(eu.deps, await delivered(eu), by=BY)

    assert (order.status, order.payment.refunds) == (Status.RETURNED, ())


@pytest.mark.parametrize("is_declared_before", [False, True])
async def test_who_withdraws_after_the_goods_have_come_back_gets_the_money_at_once(
    eu: World, is_declared_before: bool
) -> None:
    order = await delivered(eu)
    if is_declared_before:
        order = await declare_withdrawal(eu.deps, order)
    order = await take_back(eu.deps, order, by=BY)
    assert (await view_of(eu.deps, order)).can_withdraw

    order = await (confirm_withdrawal(eu.deps, order) if is_declared_before else withdrawn(eu, order))
    again = await confirm_withdrawal(eu.deps, order)

    assert again == order
    assert (order.status, order.payment.refunded_minor) == (Status.REFUNDED, order.total_minor)
    assert [(refund.source, refund.by) for refund in order.payment.refunds] == [("withdrawal", "buyer")]
    [event] = [each for each in eu.pending[order.id] if each.type == WithdrawalReceived.TYPE]
    received = event.read(WithdrawalReceived)
    assert (received.must_return, received.is_back, received.refund_minor) == (False, True, order.total_minor)


async def test_what_went_back_for_the_return_is_not_paid_again_by_a_withdrawal(eu: World) -> None:
    order = await take_back(eu.deps, await delivered(eu), by=BY)
    order = await refund(eu.deps, order, Refund("r-1", 400, "desk", BY, eu.clock()))

    order = await withdrawn(eu, order)

    assert [refund.amount_minor for refund in order.payment.refunds] == [400, order.total_minor - 400]
    assert order.status is Status.REFUNDED


async def test_fourteen_days_after_delivery_it_is_over_for_what_has_come_back_too(eu: World) -> None:
    order = await take_back(eu.deps, await delivered(eu), by=BY)

    eu.clock.advance(seconds=17 * DAY_S)

    with pytest.raises(NoRightOfWithdrawal):
        await declare_withdrawal(eu.deps, order)


async def test_a_declaration_alone_changes_nothing(eu: World) -> None:
    order = await declare_withdrawal(eu.deps, await bought(eu))

    assert order.status is Status.PAID
    assert WithdrawalReceived.TYPE not in told(eu, order)


async def test_confirmed_twice_it_is_received_once(eu: World) -> None:
    order = await withdrawn(eu, await delivered(eu))

    again = await confirm_withdrawal(eu.deps, order)

    assert again == order
    assert told(eu, order).count(WithdrawalReceived.TYPE) == 1
    with pytest.raises(NoRightOfWithdrawal):
        await declare_withdrawal(eu.deps, order)


@pytest.mark.parametrize("wait_s", [None, DAY_S + 1])
async def test_what_was_not_declared_within_a_day_is_not_confirmed(eu: World, wait_s: int | None) -> None:
    order = await bought(eu)
    if wait_s is not None:
        order = await declare_withdrawal(eu.deps, order)
        eu.clock.advance(seconds=wait_s)

    with pytest.raises(WithdrawalNotDeclared):
        await confirm_withdrawal(eu.deps, order)


async def test_fourteen_days_after_delivery_it_is_over(eu: World) -> None:
    order = await delivered(eu)  # on Sunday, 22 November; the fourteenth day is Sunday, 6 December

    eu.clock.advance(seconds=15 * DAY_S)
    declared = await declare_withdrawal(eu.deps, order)
    eu.clock.advance(seconds=DAY_S + 9 * 3600)

    with pytest.raises(NoRightOfWithdrawal):
        await declare_withdrawal(eu.deps, replace(declared, withdrawal=None))


@pytest.mark.parametrize(
    ("day", "last"),
    [(23, datetime(2026, 12, 8, 12, tzinfo=UTC)), (21, datetime(2026, 12, 8, 12, tzinfo=UTC)),
     (25, datetime(2026, 12, 10, 12, tzinfo=UTC))],
)  # fmt: skip
def test_a_period_that_would_end_at_a_weekend_ends_on_the_monday(day: int, last: datetime) -> None:
    step = Step(Status.DELIVERED, datetime(2026, 11, day, 9, tzinfo=UTC), BY)

    assert withdraw_until(replace(an_order(), history=(step,))) == last


@pytest.mark.parametrize(("country", "postcode"), [("JP", "100-0001"), ("CH", "8001"), ("GB", "EC1Y 8SY")])
async def test_outside_the_eu_there_is_no_such_right(eu: World, country: str, postcode: str) -> None:
    order = await bought(eu, shipping=BERLIN | {"country": country, "postcode": postcode})

    with pytest.raises(NoRightOfWithdrawal):
        await declare_withdrawal(eu.deps, order)


async def test_a_shop_that_does_not_sell_in_the_eu_has_none(world: World) -> None:
    with pytest.raises(NoRightOfWithdrawal):
        await declare_withdrawal(world.deps, await bought(world))


async def test_over_http_a_guest_withdraws_by_the_link(client: Client, world: World) -> None:
    body = a_body(currency="USD", shipping=BERLIN)
    placed = await (await client.post("/api/orders", json=body, headers={"Idempotency-Key": "k"})).json()
    path = f"/api/orders/{placed['id']}/withdrawal"
    query = placed["view_link"].partition("?")[2]

    without = await client.post(path)
    refused = await client.post(f"{path}?{query}")
    unconfirmed = await client.post(f"{path}/confirm?{query}")

    assert [without.status, refused.status, unconfirmed.status] == [404, 409, 409]
    assert (await refused.json())["type"] == "/problems/no-right-of-withdrawal"
    assert (await unconfirmed.json())["type"] == "/problems/withdrawal-not-declared"
    assert (placed["can_withdraw"], placed["withdraw_until"]) == (False, None)
