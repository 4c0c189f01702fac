"""Remedies that orders takes part in: each answer once, late, twice, refused; and deadlines that pass."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from services.warranty.claims import desk
from services.warranty.claims.domain import Claim, Problem, Remedy, RemedyRefused, RemedyUnderWay
from services.warranty.claims.steps import IllegalStep, Status
from services.warranty.claims.sweep import sweep_claims
from services.warranty.claims.usecases import Wish, open_claim, withdraw
from services.warranty.holders import account_holder
from services.warranty.orders import order_handlers
from shared.contracts.orders import (
    OrderCancelled,
    OrderShipped,
    RefundCompleted,
    RefundRefused,
    ReplacementCreated,
    ReplacementRefused,
    Replaces,
    ShippedItem,
)
from shared.contracts.warranty import (
    ClaimOverdue,
    ClaimReminded,
    ClaimResolved,
    ClaimUpdated,
    RefundRequested,
    ReplacementRequested,
)
from shared.errors import TransientError
from shared.events import Contract, Event
from tests.unit.warranty.doubles import NOON
from tests.unit.warranty.world import STAFF, World

LATER = NOON + timedelta(hours=2)


async def approved(world: World, remedy: Remedy) -> Claim:
    await world.deliver("a-1")
    wish = Wish(Problem.STOPPED, remedy)
    claim = await open_claim(world.deps, account_holder(world.deps, "a-1"), "o-1-1-1", wish)
    return await desk.decide(world.deps, claim, STAFF, remedy)


def event(contract: Contract, id: str = "e-1") -> Event:
    return Event.of(contract, id=id, subject="o-1", at=LATER)


def refunded(claim: Claim) -> Event:
    return event(RefundCompleted(
        refund_id=f"claim-{claim.id}", order_id="o-1", number="N", completed_at=LATER, currency="JPY",
        amount_minor=19800, refunded_minor=19800, source=f"claim:{claim.id}", claim_id=claim.id, recipient={},
    ))  # fmt: skip


def refund_refused(claim: Claim) -> Event:
    return event(RefundRefused(
        refund_id=f"claim-{claim.id}", order_id="o-1", source=f"claim:{claim.id}", claim_id=claim.id,
        amount_minor=None, reason="refund-too-high", refused_at=LATER,
    ))  # fmt: skip


def created(claim: Claim) -> Event:
    return event(ReplacementCreated(
        claim_id=claim.id, order_id="o-1", item_id="o-1-1-1", replacement_order_id="o-2", number="N2", created_at=LATER,
    ))  # fmt: skip


def no_replacement(claim: Claim) -> Event:
    return event(ReplacementRefused(
        claim_id=claim.id, order_id="o-1", item_id="o-1-1-1", reason="sold-out", refused_at=LATER,
    ))  # fmt: skip


def _replaces(claim: Claim) -> Replaces:
    return Replaces(order_id="o-1", item_id="o-1-1-1", claim_id=claim.id)


def shipped(claim: Claim) -> Event:
    item = ShippedItem(item_id="o-2-1-1", sku="kisai-rogue", name="Kisai Rogue", serial="TF-2")
    return event(OrderShipped(
        order_id="o-2", number="N2", shipped_at=LATER, items=(item,), replaces=_replaces(claim), recipient={},
    ))  # fmt: skip


def cancelled(claim: Claim) -> Event:
    return event(OrderCancelled(
        order_id="o-2", number="N2", cancelled_at=LATER, by="staff", currency="JPY", refund_minor=0,
        replaces=_replaces(claim), recipient={},
    ))  # fmt: skip


async def hear(world: World, *events: Event) -> Claim:
    handlers = order_handlers(world.deps)
    for each in events:
        await handlers[each.type](each)
    [claim] = world.claims.claims.values()
    return claim


def told(world: World, type_: str) -> list[Event]:
    return [each for each in world.claims.events if each.type == type_]


async def test_a_refund_closes_the_claim_once_and_the_item_is_covered_no_longer(world: World) -> None:
    claim = await approved(world, Remedy.REFUND)

    ended = await hear(world, refunded(claim), refunded(claim))

    assert [step.status for step in ended.history[-2:]] == [Status.REFUNDED, Status.CLOSED]
    assert [each.read(ClaimResolved).outcome for each in told(world, ClaimResolved.TYPE)] == ["refund"]
    [record] = await world.listed("a-1")
    assert record.is_paid_back


async def test_a_refused_refund_is_handed_to_a_person_with_the_reason(world: World) -> None:
    claim = await approved(world, Remedy.REFUND)

    back = await hear(world, refund_refused(claim), refund_refused(claim))

    assert (back.status, back.saga.refused, back.needs_staff) == (Status.UNDER_REVIEW, "refund-too-high", True)
    assert back.history[-1].why == "refund-too-high"
    with pytest.raises(RemedyRefused):
        await desk.decide(world.deps, back, STAFF, Remedy.REFUND)
    again = await desk.decide(world.deps, back, STAFF, Remedy.REPLACEMENT)
    assert again.status is Status.APPROVED
    assert len(told(world, ReplacementRequested.TYPE)) == 1


async def test_a_replacement_is_created_sent_and_carries_the_cover_on(world: World) -> None:
    await world.purchases.number("o-1-1-1", "TF-1", at=NOON)
    claim = await approved(world, Remedy.REPLACEMENT)

    ended = await hear(world, created(claim), created(claim), shipped(claim), shipped(claim))

    assert [step.status for step in ended.history[-2:]] == [Status.REPLACEMENT_SENT, Status.CLOSED]
    assert (ended.saga.new_serial, ended.item.serial) == ("TF-2", "TF-1")
    [record] = await world.listed("a-1")
    assert (record.serial, record.covered_until) == ("TF-2", (NOON + timedelta(days=365)).date())
    assert [unit.serial for unit in await world.purchases.serials("o-1-1-1")] == ["TF-1", "TF-2"]


@pytest.mark.parametrize("answers", [["refused"], ["created", "cancelled"]])
async def test_a_replacement_that_cannot_be_sent_is_handed_to_a_person(world: World, answers: Sequence[str]) -> None:
    claim = await approved(world, Remedy.REPLACEMENT)
    known = {"refused": no_replacement(claim), "created": created(claim), "cancelled": cancelled(claim)}

    back = await hear(world, *(known[name] for name in answers))

    assert (back.status, back.flags) == (Status.UNDER_REVIEW, ("remedy-failed",))
    assert back.saga.refused == ("sold-out" if answers == ["refused"] else "replacement-cancelled")


async def test_a_parcel_that_overtakes_its_creation_ends_the_claim_all_the_same(world: World) -> None:
    claim = await approved(world, Remedy.REPLACEMENT)

    ended = await hear(world, shipped(claim), created(claim))

    assert ended.status is Status.CLOSED


async def test_without_an_answer_for_days_a_person_looks_and_may_decide_the_same_alone(world: World) -> None:
    claim = await approved(world, Remedy.REFUND)

    world.clock.at = NOON + timedelta(days=3)
    await sweep_claims(world.deps)
    await sweep_claims(world.deps)

    [back] = world.claims.claims.values()
    assert (back.status, back.history[-1].why) == (Status.UNDER_REVIEW, "no-answer-from-orders")
    updates = [each.read(ClaimUpdated) for each in told(world, ClaimUpdated.TYPE)]
    assert [(each.status, each.why) for each in updates[1:]] == [("under_review", "no-answer-from-orders")]
    for other in (Remedy.REPLACEMENT, Remedy.REPAIR, None):
        with pytest.raises(RemedyUnderWay):
            await desk.decide(world.deps, back, STAFF, other)
    await desk.decide(world.deps, back, STAFF, Remedy.REFUND)
    assert [each.data["claim_id"] for each in told(world, RefundRequested.TYPE)] == [claim.id, claim.id]


async def test_one_claim_that_cannot_be_read_holds_no_other_up(world: World) -> None:
    claims = [await approved(world, Remedy.REFUND)]
    await world.deliver("a-2", order="o-2")
    wish = Wish(Problem.STOPPED, Remedy.REFUND)
    other = await open_claim(world.deps, account_holder(world.deps, "a-2"), "o-2-1-1", wish)
    claims.append(await desk.decide(world.deps, other, STAFF, Remedy.REFUND))
    world.claims.claims[claims[0].id] = replace(claims[0], contact=claims[1].contact)

    world.clock.at = NOON + timedelta(days=3)
    await sweep_claims(world.deps)

    assert {each.status for each in world.claims.claims.values()} == {Status.UNDER_REVIEW}


async def test_an_answer_that_comes_after_all_ends_the_claim(world: World) -> None:
    claim = await approved(world, Remedy.REFUND)
    world.clock.at = NOON + timedelta(days=3)
    await sweep_claims(world.deps)

    ended = await hear(world, refunded(claim))

    assert ended.status is Status.CLOSED
    assert [each.read(ClaimResolved).outcome for each in told(world, ClaimResolved.TYPE)] == ["refund"]


async def test_nobody_looks_again_at_what_is_under_way(world: World) -> None:
    await world.deliver("a-1")
    wish = Wish(Problem.STOPPED, Remedy.REFUND)
    seen = await open_claim(world.deps, account_holder(world.deps, "a-1"), "o-1-1-1", wish)
    await desk.decide(world.deps, seen, STAFF, Remedy.REFUND)

    with pytest.raises(IllegalStep):
        await desk.review(world.deps, seen, STAFF)  # as it stood before the decision


async def unanswered(world: World, remedy: Remedy) -> Claim:
    """A claim that a person has, because orders has not answered for days."""
    await approved(world, remedy)
    world.clock.at = NOON + timedelta(days=3)
    await sweep_claims(world.deps)
    [claim] = world.claims.claims.values()
    return claim


async def test_what_orders_may_still_do_is_neither_withdrawn_nor_refused(world: World) -> None:
    claim = await unanswered(world, Remedy.REFUND)

    with pytest.raises(IllegalStep):
        await withdraw(world.deps, claim)
    claim = await desk.decide(world.deps, claim, STAFF, Remedy.REFUND, return_first=True)
    with pytest.raises(IllegalStep):
        await withdraw(world.deps, claim)
    claim = await desk.receive(world.deps, claim, STAFF, "")
    with pytest.raises(RemedyUnderWay):
        await desk.refuse_item(world.deps, claim, STAFF, note="another watch")


@pytest.mark.parametrize("standing", ["asked for more", "waiting", "received"])
@pytest.mark.parametrize("remedy", [Remedy.REFUND, Remedy.REPLACEMENT])
async def test_an_answer_that_comes_after_all_ends_the_claim_wherever_it_stands(
    world: World, remedy: Remedy, standing: str
) -> None:
    await standing_at(world, await unanswered(world, remedy), remedy, standing)
    [claim] = world.claims.claims.values()

    ended = await hear(world, refunded(claim) if remedy is Remedy.REFUND else shipped(claim))

    assert ended.status is Status.CLOSED
    assert [each.read(ClaimResolved).outcome for each in told(world, ClaimResolved.TYPE)] == [remedy.value]


@pytest.mark.parametrize("standing", ["under review", "asked for more", "waiting", "received"])
async def test_a_refusal_that_comes_after_all_frees_the_decision(world: World, standing: str) -> None:
    await standing_at(world, await unanswered(world, Remedy.REFUND), Remedy.REFUND, standing)
    [claim] = world.claims.claims.values()

    back = await hear(world, refund_refused(claim), refund_refused(claim))

    assert (back.saga.refused, back.needs_staff) == ("refund-too-high", standing != "asked for more")
    with pytest.raises(RemedyRefused):
        await desk.decide(world.deps, back, STAFF, Remedy.REFUND)
    again = await desk.decide(world.deps, back, STAFF, Remedy.REPLACEMENT)
    assert again.status is Status.APPROVED


async def test_what_orders_refused_once_is_asked_no_more(world: World) -> None:
    claim = await approved(world, Remedy.REFUND)
    claim = await hear(world, refund_refused(claim))
    claim = await desk.decide(world.deps, claim, STAFF, Remedy.REPLACEMENT)
    claim = await hear(world, no_replacement(claim))

    for refused in (Remedy.REFUND, Remedy.REPLACEMENT):
        with pytest.raises(RemedyRefused):
            await desk.decide(world.deps, claim, STAFF, refused)

    assert (await desk.decide(world.deps, claim, STAFF, Remedy.REPAIR)).status is Status.WAITING_FOR_ITEM


async def standing_at(world: World, claim: Claim, remedy: Remedy, standing: str) -> None:
    """Take a claim under review there."""
    if standing == "asked for more":
        await desk.ask_for_more(world.deps, claim, STAFF, "Is the receipt there?")
    if standing in ("waiting", "received"):
        claim = await desk.decide(world.deps, claim, STAFF, remedy, return_first=True)
    if standing == "received":
        await desk.receive(world.deps, claim, STAFF, "")


@pytest.mark.parametrize("second", [Remedy.REPLACEMENT, Remedy.REFUND])
async def test_the_refusal_of_one_remedy_told_twice_leaves_the_next_one_alone(world: World, second: Remedy) -> None:
    first = Remedy.REFUND if second is Remedy.REPLACEMENT else Remedy.REPLACEMENT
    claim = await approved(world, first)
    refusal = refund_refused(claim) if first is Remedy.REFUND else no_replacement(claim)
    back = await hear(world, refusal)
    asked = await desk.decide(world.deps, back, STAFF, second)

    later = await hear(world, refusal)

    assert later == asked


async def test_a_paid_item_is_noted_before_its_claim_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = await approved(world, Remedy.REFUND)

    async def die(*_: object) -> None:
        raise TransientError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(world.claims, "save", die)
        with pytest.raises(TransientError):
            await hear(world, refunded(claim))

    [record] = await world.listed("a-1")
    assert record.is_paid_back
    assert (await hear(world, refunded(claim))).status is Status.CLOSED


async def test_answers_in_any_order_and_number_end_in_one_outcome(world: World) -> None:
    claim = await approved(world, Remedy.REPLACEMENT)
    chance = random.Random(7)
    answers = [created(claim), shipped(claim), cancelled(claim)] * 3

    for _ in range(20):
        chance.shuffle(answers)
        ended = await hear(world, *answers)

    assert ended.status in (Status.CLOSED, Status.UNDER_REVIEW)
    assert len(told(world, ClaimResolved.TYPE)) <= 1


async def test_answers_to_claims_that_are_not_here_change_nothing(world: World) -> None:
    claim = await approved(world, Remedy.REFUND)
    world.claims.claims.clear()
    handlers = order_handlers(world.deps)

    for each in (refunded(claim), refund_refused(claim), created(claim), no_replacement(claim), shipped(claim)):
        await handlers[each.type](each)

    assert world.claims.claims == {}


async def test_deadlines_are_reminded_of_then_missed_each_once(world: World) -> None:
    await world.deliver("a-1")
    wish = Wish(Problem.STOPPED, Remedy.REPAIR)
    claim = await open_claim(world.deps, account_holder(world.deps, "a-1"), "o-1-1-1", wish)
    by = claim.clock.first_answer_by

    seen = []
    for moment in (by - timedelta(hours=5), by - timedelta(hours=4), by, by + timedelta(hours=1)):
        world.clock.at = moment
        await sweep_claims(world.deps)
        [noted] = world.claims.claims.values()
        seen.append((noted.clock.reminded, noted.clock.overdue))

    first = ("first_answer",)
    assert seen == [((), ()), (first, ()), (first, first), (first, first)]
    [missed] = told(world, ClaimOverdue.TYPE)
    assert missed.read(ClaimOverdue).deadline == "first_answer"
    assert missed.read(ClaimOverdue).due_at == by
    [near] = told(world, ClaimReminded.TYPE)
    assert (near.read(ClaimReminded).deadline, near.read(ClaimReminded).due_at) == ("first_answer", by)


async def test_who_looks_too_late_tells_what_was_missed_and_no_more(world: World) -> None:
    await world.deliver("a-1")
    wish = Wish(Problem.STOPPED, Remedy.REPAIR)
    claim = await open_claim(world.deps, account_holder(world.deps, "a-1"), "o-1-1-1", wish)
    world.clock.at = claim.clock.resolve_by + timedelta(days=1)

    await sweep_claims(world.deps)
    await sweep_claims(world.deps)

    assert told(world, ClaimReminded.TYPE) == []
    assert [event.read(ClaimOverdue).deadline for event in told(world, ClaimOverdue.TYPE)] == [
        "first_answer", "resolution",
    ]  # fmt: skip


async def test_an_answer_in_time_misses_nothing(world: World) -> None:
    await world.deliver("a-1")
    wish = Wish(Problem.STOPPED, Remedy.REPAIR)
    claim = await open_claim(world.deps, account_holder(world.deps, "a-1"), "o-1-1-1", wish)
    await desk.ask_for_more(world.deps, claim, STAFF, "Was it in water?")

    world.clock.at = claim.clock.resolve_by + timedelta(days=30)
    await sweep_claims(world.deps)

    assert told(world, ClaimOverdue.TYPE) == []
