"""A process may die at any step of a purchase: the sweep puts everything right, and nobody is charged twice."""

import asyncio
from dataclasses import replace

import pytest

from services.orders.checkout.attempt import OutcomeUnknown
from services.orders.life.conclude import conclude
from services.orders.life.domain import Order
from services.orders.life.resolve import sweep
from services.orders.life.steps import Status
from services.orders.payments.provider import Outcome
from services.orders.screening.domain import Decision
from services.orders.stock.store import Wanted
from shared.contracts.orders import Buyer, PurchaseCompleted
from shared.errors import TransientError
from tests.unit.orders.doubles import MemoryOrders
from tests.unit.orders.world import ANSWERS_LATE, CHARGES_LATE, DECLINED, LAST_FIVE, Away, Fate, World, a_body, mortal

MOST_STEPS = 12


async def _die(world: World, body: dict[str, object], dies_at: int) -> Fate:
    fate = Fate(dies_at)
    await asyncio.gather(world.buy(body, key="k", deps=mortal(world.deps, fate)), return_exceptions=True)
    return fate


async def test_a_purchase_has_fewer_steps_than_are_tried_here(world: World) -> None:
    assert (await _die(world, a_body(LAST_FIVE), dies_at=1_000)).steps <= MOST_STEPS
    assert (await _die(world, a_body(LAST_FIVE, card=DECLINED), dies_at=1_000)).steps <= MOST_STEPS


@pytest.mark.parametrize("card", ["4242424242424242", DECLINED])
@pytest.mark.parametrize("dies_at", range(1, MOST_STEPS + 1))
async def test_whoever_dies_leaves_books_that_balance(world: World, dies_at: int, card: str) -> None:
    await _die(world, a_body(LAST_FIVE, card=card), dies_at)

    await world.sweep()

    await world.assert_books_balance(LAST_FIVE, 5)


@pytest.mark.parametrize("dies_at", range(1, MOST_STEPS + 1))
async def test_who_asks_again_with_the_same_key_is_charged_once(world: World, dies_at: int) -> None:
    await _die(world, a_body(LAST_FIVE), dies_at)
    await world.sweep()

    again = await world.buy(a_body(LAST_FIVE), key="k")
    await world.sweep()

    assert again.order.status is Status.PAID
    assert await world.paid_charges() == 1
    assert [len(events) for events in world.pending.values() if events] == [1]
    await world.assert_books_balance(LAST_FIVE, 5)


@pytest.mark.parametrize("dies_at", range(1, MOST_STEPS + 1))
async def test_the_sweep_may_die_too(world: World, dies_at: int) -> None:
    await _die(world, a_body(LAST_FIVE), 7)
    world.clock.advance(seconds=60)
    await asyncio.gather(sweep(mortal(world.deps, Fate(dies_at))), return_exceptions=True)
    await world.sweep()

    await world.assert_books_balance(LAST_FIVE, 5)


async def test_a_young_order_is_left_alone(world: World) -> None:
    await _die(world, a_body(LAST_FIVE), 6)

    await world.sweep(after_s=5)

    assert [order.status for order in await world.all_orders()] == [Status.CHARGING]


async def test_a_charge_that_arrives_after_the_sweep_finds_its_id_voided(world: World) -> None:
    outcome = await asyncio.gather(world.buy(a_body(LAST_FIVE, card=CHARGES_LATE)), return_exceptions=True)
    await world.sweep()

    world.caller_gave_up.set()
    await world.late_charges()

    assert type(outcome[0]).__name__ == "OutcomeUnknown"
    assert await world.paid_charges() == 0
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_a_charge_that_arrives_before_the_sweep_is_an_order(world: World) -> None:
    await asyncio.gather(world.buy(a_body(LAST_FIVE, card=CHARGES_LATE)), return_exceptions=True)
    world.caller_gave_up.set()
    await world.late_charges()

    await world.sweep()

    assert [order.status for order in await world.all_orders()] == [Status.PAID]
    assert len(world.relay.events) == 1
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_what_the_provider_answered_too_late_keeps_why_it_was_let_through(world: World) -> None:
    with pytest.raises(OutcomeUnknown):
        await world.buy(a_body(card=ANSWERS_LATE))

    await world.sweep()

    [order] = await world.all_orders()
    assert order.status is Status.PAID
    assert order.screening is not None
    assert order.screening.decision is Decision.ALLOW


async def test_a_request_that_wakes_up_after_the_sweep_holds_and_charges_nothing(world: World) -> None:
    order = await _frozen_before_the_hold(world)
    await world.sweep()

    await world.stores.stock.reserve(order.id, order.wanted, at=order.created_at)
    charge = await world.sandbox.void(order.id)
    ended = await conclude(world.deps, order, charge)

    assert (charge.outcome, ended.status) == (Outcome.VOIDED, Status.FAILED)
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_a_hold_that_its_owner_never_gave_back_is_given_back(world: World) -> None:
    order = await _frozen_before_the_hold(world)
    await world.sweep()
    await world.stores.stock.reserve(order.id, order.wanted, at=order.created_at)

    await world.sweep()

    await world.assert_books_balance(LAST_FIVE, 5)


async def test_a_hold_of_an_order_that_was_withdrawn_is_given_back(world: World) -> None:
    await world.stores.stock.reserve("o-gone", [Wanted(LAST_FIVE, 2)], at=world.clock())

    await world.sweep()

    await world.assert_books_balance(LAST_FIVE, 5)


async def test_two_who_conclude_at_once_announce_once(world: World) -> None:
    await _die(world, a_body(LAST_FIVE), 8)
    [order] = await world.all_orders()
    charge = await world.sandbox.lookup(order.id)
    assert charge is not None

    await asyncio.gather(*(conclude(world.deps, order, charge) for _ in range(5)))

    assert len(world.relay.events) == 1


async def test_one_order_that_cannot_be_resolved_does_not_stop_the_next(world: World) -> None:
    for key in ("first", "second"):
        fate = Fate(8)
        await asyncio.gather(world.buy(a_body(), key=key, deps=mortal(world.deps, fate)), return_exceptions=True)
    first, second = sorted(await world.all_orders(), key=lambda order: order.id)
    assert await world.paid_charges() == 2
    await _alter_who_bought(world, first)

    await world.sweep()

    assert (await world.stores.orders.get(first.id)).status is Status.CHARGING
    assert (await world.stores.orders.get(second.id)).status is Status.PAID


async def test_hundreds_that_cannot_be_resolved_do_not_starve_the_one_that_can(world: World) -> None:
    await _die(world, a_body(), 8)
    [order] = await world.all_orders()
    charge = await world.sandbox.lookup(order.id)
    assert charge is not None
    for n in range(210):
        older = replace(order, id=f"0{n:03}", attempt=replace(order.attempt, key=f"k-{n}"), number=f"n-{n}")
        await world.stores.orders.add(older)
        await world.stores.ledger.enter(replace(charge, order_id=older.id))

    await world.sweep()

    statuses = [each.status for each in await world.all_orders() if each.id.startswith("0") and len(each.id) == 4]
    assert statuses == [Status.CHARGING] * 210
    assert (await world.stores.orders.get(order.id)).status is Status.PAID


async def test_a_purchase_whose_buyer_is_erased_ends_as_it_was_charged_and_names_nobody(world: World) -> None:
    await _die(world, a_body(LAST_FIVE), 8)
    [order] = await world.all_orders()
    await world.stores.data_keys.remove(order.personal.person_id)

    await world.sweep()

    [event] = world.relay.events
    purchase = event.read(PurchaseCompleted)
    buyer = world.sealing.unsealer("mailer").open(Buyer, purchase.buyer, event=event, field="buyer")
    assert buyer == Buyer()
    assert [item.sku for item in purchase.items] == [LAST_FIVE]
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_a_provider_that_is_away_postpones_the_sweep(world: World) -> None:
    await _die(world, a_body(LAST_FIVE), 6)
    world.clock.advance(seconds=60)

    with pytest.raises(TransientError):
        await sweep(replace(world.deps, provider=Away()))

    assert [order.status for order in await world.all_orders()] == [Status.CHARGING]


async def _alter_who_bought(world: World, order: Order) -> None:
    assert isinstance(world.stores.orders, MemoryOrders)
    altered = replace(order.personal, contact=order.personal.contact[:-1] + b"x")
    world.stores.orders.orders[order.id] = replace(order, personal=altered)


async def _frozen_before_the_hold(world: World) -> Order:
    await _die(world, a_body(LAST_FIVE), 5)
    [order] = await world.all_orders()
    assert await world.holds() == 0
    return order
