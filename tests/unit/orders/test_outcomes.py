"""Screening learns once how each checkout has ended, whoever ends it: the request, the bank, a webhook or the sweep."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

import pytest

from services.orders.life.ask import ask_provider
from services.orders.life.domain import Order
from services.orders.life.steps import OPEN, Status
from services.orders.screening.blocks import Block
from services.orders.screening.domain import Finding, Kind, Marks, Seen
from services.orders.screening.replay import ReplayedTallies
from services.orders.screening.review import review
from services.orders.screening.rules import load_rules
from shared.errors import TransientError
from tests.unit.orders.world import ASKS_BANK, DECLINED, PAYS, Fate, World, a_body, mortal

NETWORK = "203.0.113.0/24"
LARGE = 9
Ender = Callable[[World, Order], Awaitable[object]]


async def by_the_bank_or_a_webhook(world: World, order: Order) -> None:
    await ask_provider(world.deps, order)


async def by_the_sweep(world: World, _: Order) -> None:
    await world.sweep(after_s=120)


async def by_a_replay(world: World, _: Order) -> None:
    await world.buy(a_body(card=ASKS_BANK), key="k", account="a-1", network=NETWORK)


async def by_all_at_once(world: World, order: Order) -> None:
    await asyncio.gather(*(ask_provider(world.deps, order) for _ in range(5)), world.sweep(after_s=120))


ENDERS = [by_the_bank_or_a_webhook, by_the_sweep, by_a_replay, by_all_at_once]


async def at_the_bank(world: World) -> Order:
    order = (await world.buy(a_body(card=ASKS_BANK), key="k", account="a-1", network=NETWORK)).order
    assert order.status is Status.NEEDS_ACTION
    return order


async def seen(world: World, order: Order) -> Seen:
    return await world.stores.counted().look(order.marks, order.account_id, at=world.clock())


class Buffering(ReplayedTallies):
    """As the real ones: what was paid is stored with the next count."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[tuple[Marks, str, int, str, datetime]] = []

    def count_paid(self, marks: Marks, account_id: str, amount_minor: int, currency: str, *, at: datetime) -> None:
        self._waiting.append((marks, account_id, amount_minor, currency, at))

    async def store_paid(self) -> None:
        for marks, account_id, amount_minor, currency, at in self._waiting:
            super().count_paid(marks, account_id, amount_minor, currency, at=at)


class Full(ReplayedTallies):
    """A store that takes no outcome."""

    async def count_decline(self, marks: Marks, *, at: datetime) -> None:
        raise TransientError("away")

    async def store_paid(self) -> None:
        raise TransientError("away")


def count_by(world: World, tallies: ReplayedTallies) -> None:
    world.stores.tallies = tallies
    world.deps = replace(world.deps, screener=replace(world.deps.screener, tallies=tallies))


@pytest.mark.parametrize("ends", ENDERS)
async def test_who_paid_by_way_of_the_bank_has_paid(world: World, ends: Ender) -> None:
    count_by(world, Buffering())
    order = await at_the_bank(world)
    await world.sandbox.act(order.id, approved=True)

    await ends(world, order)

    assert (await world.stores.orders.get(order.id)).status is Status.PAID
    assert (await seen(world, order)).highest_paid == {"JPY": order.total_minor}


@pytest.mark.parametrize("ends", ENDERS)
async def test_a_card_that_the_bank_refused_counts_as_declined_once(world: World, ends: Ender) -> None:
    order = await at_the_bank(world)
    await world.sandbox.act(order.id, approved=False)

    await ends(world, order)
    await by_all_at_once(world, order)

    counted = await seen(world, order)
    assert [sum(counted.declines[kind].values()) for kind in Kind] == [1, 1, 1, 1]
    assert sum(counted.shop_declines.values()) == 1
    assert counted.highest_paid == {}


async def test_a_buyer_who_always_sees_the_bank_is_known_after_a_purchase(world: World) -> None:
    world.screen_by(load_rules())
    order = await at_the_bank(world)
    await world.sandbox.act(order.id, approved=True)
    await ask_provider(world.deps, order)

    large = (await world.buy(a_body(quantity=LARGE, card=PAYS), account="a-1")).order

    assert large.screening is not None
    assert "large-first-order" not in {hit.rule for hit in large.screening.hits}


async def test_cards_that_are_tried_at_the_bank_are_seen(world: World) -> None:
    world.screen_by(load_rules())
    for _ in range(5):
        order = (await world.buy(a_body(card=ASKS_BANK))).order
        await world.sandbox.act(order.id, approved=False)
        await ask_provider(world.deps, order)

    blocked = (await world.buy(a_body(card=ASKS_BANK))).order

    assert blocked.screening is not None
    assert [hit.rule for hit in blocked.screening.hits] == ["card-testing-card"]


@pytest.mark.parametrize("card", [PAYS, DECLINED])
@pytest.mark.parametrize("dies_at", range(1, 13))
async def test_what_is_ended_for_whoever_died_in_the_checkout_counts_once(
    world: World, dies_at: int, card: str
) -> None:
    count_by(world, Buffering())
    body, doomed = a_body(card=card), mortal(world.deps, Fate(dies_at))
    await asyncio.gather(world.buy(body, key="k", account="a-1", deps=doomed), return_exceptions=True)
    left_over = [order.id for order in await world.all_orders() if order.status in OPEN]

    await world.sweep()

    for order in [await world.stores.orders.get(order_id) for order_id in left_over]:
        counted = await seen(world, order)
        assert sum(counted.shop_declines.values()) == (order.status is Status.DECLINED)
        assert bool(counted.highest_paid) == (order.status is Status.PAID)


async def test_what_was_reviewed_and_paid_counts_without_a_checkout(world: World) -> None:
    count_by(world, Buffering())
    world.screen_by(load_rules())
    order = (await world.buy(a_body(quantity=3, card="4000566000000002"))).order

    await review(world.deps, order, Finding.APPROVE, by="staff:s-1")

    assert (await seen(world, order)).highest_paid == {"JPY": order.total_minor}


async def test_what_the_rules_refused_is_no_declined_card(world: World) -> None:
    known = (await world.buy()).order
    await world.stores.blocks.add(Block(Kind.EMAIL, known.marks.email, "staff:s-1", world.clock()))
    world.screen_by(load_rules())

    blocked = (await world.buy()).order

    assert blocked.status is Status.DECLINED
    assert (await seen(world, blocked)).shop_declines == {}


async def test_what_an_erased_account_pays_is_not_kept(world: World) -> None:
    order = await at_the_bank(world)
    await world.sandbox.act(order.id, approved=True)
    await world.stores.orders.forget_cards("a-1")

    await world.sweep(after_s=120)

    assert (await world.stores.orders.get(order.id)).status is Status.PAID
    assert (await seen(world, order)).highest_paid == {}


@pytest.mark.parametrize("approved", [True, False])
async def test_an_outcome_that_cannot_be_counted_stands(world: World, approved: bool) -> None:
    count_by(world, Full())
    order = await at_the_bank(world)
    await world.sandbox.act(order.id, approved=approved)

    ended = await ask_provider(world.deps, order)

    assert ended.status is (Status.PAID if approved else Status.DECLINED)
