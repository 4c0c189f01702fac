"""Whatever is retried, lost, late or killed, in any order: at most one capture for each key, and books that balance.

Purchases, sweeps, webhooks, cancellations and the buyer at the bank come in any order; each may meet Stripe's faults
and may die at any step. Afterwards the faults end and the sweeps come round, as they do for ever.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.orders.deps import Deps
from services.orders.life.ask import settle
from services.orders.life.cancel import cancel
from services.orders.life.domain import Order
from services.orders.life.finish import sweep_unfinished
from services.orders.life.resolve import ask_about_waiting, sweep
from services.orders.life.steps import OPEN, Status
from services.orders.payments.reconcile import Counted, reconcile
from services.orders.testing.fakestripe.faults import Fault
from tests.unit.orders.stripe_world import AtStripe, at_stripe, stripe_settings
from tests.unit.orders.world import ASKS_BANK, DECLINED, LAST_FIVE, PAYS, Fate, World, a_body, a_world, mortal

LONG_S = 4_000  # longer than a buyer may take at the bank
STOCK = 5
CARDS = {"pays": PAYS, "pays too": PAYS, "declined": DECLINED, "bank": ASKS_BANK}
"""The idempotency keys, and the card that comes with each."""
Planned: TypeAlias = tuple[tuple[str, Fault], ...]


@dataclass(frozen=True)
class Trouble:
    """What goes wrong in one step: Stripe's faults by operation, and when the process dies (0: it lives)."""

    faults: Planned = ()
    dies_at: int = 0


@dataclass(frozen=True)
class Buy:
    """Somebody sends the request of this key, for the first time or again."""

    key: str
    trouble: Trouble = Trouble()


@dataclass(frozen=True)
class Sweep:
    """Time passes, and the sweeps come round."""

    after_s: int
    trouble: Trouble = Trouble()


@dataclass(frozen=True)
class Bank:
    """Every buyer who is at the bank answers."""

    approved: bool


@dataclass(frozen=True)
class Webhook:
    """Stripe gives a hint about every order."""

    trouble: Trouble = Trouble()


@dataclass(frozen=True)
class Cancel:
    """Every order that can be is cancelled."""

    trouble: Trouble = Trouble()


@dataclass(frozen=True)
class Arrive:
    """What was late arrives."""


@dataclass(frozen=True)
class Tomorrow:
    """Stripe forgets its idempotency keys."""


Step: TypeAlias = Buy | Sweep | Bank | Webhook | Cancel | Arrive | Tomorrow

OPERATIONS = ("create", "confirm", "confirm", "confirm", "cancel", "refund", "retrieve", "list_refunds")
FAULTS = st.lists(st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(Fault)), max_size=2).map(tuple)
TROUBLES = st.builds(Trouble, FAULTS, st.sampled_from([0, 0, 0, *range(1, 15)]))
STEPS = st.one_of(
    st.builds(Buy, st.sampled_from(sorted(CARDS)), TROUBLES),
    st.builds(Buy, st.sampled_from(sorted(CARDS)), TROUBLES),
    st.builds(Sweep, st.sampled_from([0, 30, 90, LONG_S]), TROUBLES),
    st.builds(Bank, st.booleans()),
    st.builds(Webhook, TROUBLES),
    st.builds(Cancel, TROUBLES),
    st.builds(Arrive),
    st.builds(Tomorrow),
)
LOST = Trouble((("confirm", Fault.CUT_AFTER),))
LATE = Trouble((("confirm", Fault.LATE),))


@settings(max_examples=40, deadline=None)
@example([Buy("pays", LOST), Buy("pays"), Sweep(30), Buy("pays")])
@example([Buy("pays", LATE), Sweep(30), Buy("pays"), Arrive()])
@example([Buy("pays", LATE), Arrive(), Buy("pays"), Sweep(30), Buy("pays")])
@example([Buy("bank"), Sweep(LONG_S), Bank(True), Buy("bank"), Bank(True), Buy("bank")])
@example([Buy("bank"), Bank(True), Webhook(), Cancel(Trouble((("refund", Fault.CUT_AFTER),))), Tomorrow(), Sweep(30)])
@example([Buy("pays", Trouble(dies_at=8)), Sweep(30, Trouble(dies_at=3)), Buy("pays")])
@given(st.lists(STEPS, max_size=9))
def test_no_key_is_charged_twice_and_the_books_balance(steps: list[Step]) -> None:
    asyncio.run(_play(steps))


async def _play(steps: list[Step]) -> None:
    async with (
        at_stripe(timeout_s=0.15) as stripe,
        stripe.patiently() as patient,
        a_world(provider=stripe.provider, clock=stripe.clock, settings=stripe_settings()) as world,
    ):
        for step in steps:
            await _take(step, world, stripe)
        deps = replace(world.deps, provider=patient)
        await _let_it_settle(world, stripe, deps)
        await _assert_nobody_paid_twice(world, stripe)
        await _assert_books_balance(world, stripe, deps)


async def _take(step: Step, world: World, stripe: AtStripe) -> None:
    trouble = getattr(step, "trouble", Trouble())
    stripe.fake.faults.waiting.clear()
    for operation, fault in trouble.faults:
        stripe.fail_next(operation, fault)
    match step:
        case Bank(approved):
            for intent_id in stripe.fake.intents.intents:
                stripe.fake.intents.act(intent_id, approved=approved)
        case Arrive():
            await _arrive(stripe)
        case Tomorrow():
            stripe.fake.keys.forget()
        case _:
            deps = mortal(world.deps, Fate(trouble.dies_at)) if trouble.dies_at else world.deps
            await _do(step, world, deps)


async def _do(step: Step, world: World, deps: Deps) -> None:
    """What a process of ours does."""
    match step:
        case Buy(key):
            await _survive(world.buy(a_body(LAST_FIVE, card=CARDS[key]), key=key, deps=deps))
        case Sweep(after_s):
            world.clock.advance(seconds=after_s)
            for turn in (sweep, ask_about_waiting, sweep_unfinished):
                await _survive(turn(deps))
        case Webhook():
            for order in await world.all_orders():
                await _survive(settle(deps, order))
        case Cancel():
            for order in await world.all_orders():
                await _survive(cancel(deps, order, by="buyer"))


async def _survive(doing: Any) -> None:
    """A refusal, a fault, a death: somebody else goes on."""
    await asyncio.gather(doing, return_exceptions=True)


async def _arrive(stripe: AtStripe) -> None:
    await stripe.callers_gave_up()
    stripe.fake.faults.callers_gave_up = asyncio.Event()


async def _let_it_settle(world: World, stripe: AtStripe, deps: Deps) -> None:
    """The faults end. What is late arrives only after the first turn: too late, or it is what that turn waited for."""
    stripe.fake.faults.waiting.clear()
    for _ in range(3):
        world.clock.advance(seconds=LONG_S)
        for turn in (sweep, ask_about_waiting, sweep_unfinished):
            await _survive(turn(deps))
        await _arrive(stripe)


async def _assert_nobody_paid_twice(world: World, stripe: AtStripe) -> None:
    keys = {order.id: order.attempt.key.partition(":")[0] for order in await world.all_orders()}
    captured = [i["metadata"]["order_id"] for i in stripe.fake.intents.intents.values() if i["status"] == "succeeded"]
    assert all(times == 1 for times in Counter(keys[order_id] for order_id in captured).values())


async def _assert_books_balance(world: World, stripe: AtStripe, deps: Deps) -> None:
    orders = await world.all_orders()
    assert [order.status for order in orders if order.status in OPEN or order.is_unfinished] == []
    assert sum(order.payment.captured_minor for order in orders) == sum(
        intent["amount_received"] for intent in stripe.fake.intents.intents.values()
    )
    assert sum(order.payment.refunded_minor for order in orders) == sum(
        refund["amount"] for refund in stripe.fake.intents.refunds.values()
    )
    assert [each async for each in reconcile(deps, counted=Counted())] == []
    assert await world.left(LAST_FIVE) == STOCK - sum(order.units for order in orders if _is_sold(order))
    assert await world.holds() == 0


def _is_sold(order: Order) -> bool:
    return order.status is Status.PAID
