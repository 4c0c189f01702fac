"""How remedies go on that orders takes part in. Each answer is one conditional write; the same answer again changes
nothing, and one that fits nothing is noted in the log and dropped.

    refund       approved -> (asked) -> refunded, closed        | refused: under review, handed to a person
    replacement  approved -> (asked) -> (created) -> shipped: replacement sent, closed | refused, cancelled: as above
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from services.warranty.claims.announce import SENT_WITHIN, Announcer, announcer_of
from services.warranty.claims.domain import Claim, Decision, Progress, Remedy, Saga
from services.warranty.claims.steps import SHOP, UNDECIDED, Status
from services.warranty.claims.usecases import change
from services.warranty.deps import Deps
from shared.contracts.orders import (
    OrderCancelled,
    OrderShipped,
    RefundCompleted,
    RefundRefused,
    ReplacementCreated,
    ReplacementRefused,
)
from shared.events import Event

log = structlog.get_logger(__name__)
Step = Callable[[Claim], Claim]


async def refund_completed(deps: Deps, told: RefundCompleted) -> None:
    """The money has gone back, in time or late: the item is covered no longer, and then the claim is closed.

    In this order, so that nobody claims the item again between the two writes.
    """
    at = told.completed_at
    paid = await deps.claims.find(told.claim_id) if told.claim_id else None
    if paid is not None:
        await deps.purchases.note_paid_back(paid.item.purchase_id, paid.id)
    if not told.claim_id:
        return

    def step(claim: Claim) -> Claim:
        if claim.saga.progress is Progress.DONE or not claim.is_open:
            return claim
        saga = replace(claim.saga, progress=Progress.DONE, refund_id=told.refund_id, due_at=None)
        refunded = _done(claim, saga, Remedy.REFUND, at=at).step(Status.REFUNDED, at=at, by=SHOP)
        return refunded.step(Status.CLOSED, at=at, by=SHOP, why="refunded")

    await _go_on(deps, told.claim_id, step, at=at)


async def refund_refused(deps: Deps, told: RefundRefused) -> None:
    """Orders won't pay it back: a person has to look."""
    if told.claim_id:
        step = _refused(Remedy.REFUND, told.reason, told.refused_at)
        await _go_on(deps, told.claim_id, step, at=told.refused_at)


async def replacement_created(deps: Deps, told: ReplacementCreated) -> None:
    """Another watch is set aside; it is sent by its own order."""
    at = told.created_at

    def step(claim: Claim) -> Claim:
        if claim.saga.progress is not Progress.REQUESTED:
            return claim
        order_id = told.replacement_order_id
        saga = replace(claim.saga, progress=Progress.SENDING, replacement_order=order_id, due_at=at + SENT_WITHIN)
        return replace(claim, saga=saga)

    await _go_on(deps, told.claim_id, step, at=at, is_news=False)


async def replacement_refused(deps: Deps, told: ReplacementRefused) -> None:
    """Orders can't send one: a person has to look."""
    step = _refused(Remedy.REPLACEMENT, told.reason, told.refused_at)
    await _go_on(deps, told.claim_id, step, at=told.refused_at)


async def replacement_cancelled(deps: Deps, told: OrderCancelled) -> None:
    """The replacement's order was cancelled: a person has to look."""
    if told.replaces is not None:
        step = _refused(Remedy.REPLACEMENT, "replacement-cancelled", told.cancelled_at)
        await _go_on(deps, told.replaces.claim_id, step, at=told.cancelled_at)


async def replacement_shipped(deps: Deps, told: OrderShipped) -> None:
    """The new watch is on its way: the claim is closed; its cover is that of the old one."""
    if told.replaces is None:
        return
    serial = told.items[0].serial if told.items else ""
    at = told.shipped_at

    def step(claim: Claim) -> Claim:
        if claim.saga.progress is Progress.DONE or not claim.is_open:
            return claim
        saga = replace(
            claim.saga, progress=Progress.DONE, replacement_order=told.order_id, new_serial=serial, due_at=None
        )
        sent = _done(claim, saga, Remedy.REPLACEMENT, at=at).step(Status.REPLACEMENT_SENT, at=at, by=SHOP)
        return sent.step(Status.CLOSED, at=at, by=SHOP, why="replaced")

    await _go_on(deps, told.replaces.claim_id, step, at=at)


def _done(claim: Claim, saga: Saga, remedy: Remedy, *, at: datetime) -> Claim:
    """With its saga at the end, and with a decision again where a person had been asked to look meanwhile."""
    return replace(claim, saga=saga, decision=claim.decision or Decision(remedy, SHOP, at))


def handed_over(claim: Claim, why: str, *, at: datetime) -> Claim:
    """The claim back under review, with the reason; the same where nothing is under way."""
    if claim.status is not Status.APPROVED or not claim.is_under_way:
        return claim
    saga = replace(claim.saga, progress=Progress.REFUSED, refused=why, due_at=None)
    return _under_review(replace(claim, saga=saga), why, at=at).flagged("remedy-failed")


def _refused(remedy: Remedy, why: str, at: datetime) -> Step:
    """What orders refuses, in time or late; once another remedy was asked for, the former answer is an old one."""

    def step(claim: Claim) -> Claim:
        if claim.saga.asked != remedy.value or not claim.is_open:
            return claim
        is_late = claim.is_unanswered
        back = handed_over(claim, why, at=at)
        if back is claim and not is_late:
            return claim
        refusals = (*back.saga.refusals, remedy.value)
        back = replace(back, saga=replace(back.saga, refused=why, refusals=refusals))
        return _under_review(back, why, at=at) if is_late else back

    return step


def _under_review(claim: Claim, why: str, *, at: datetime) -> Claim:
    """The claim to be decided anew; the same where a decision is awaited already."""
    if claim.status in UNDECIDED:
        return claim
    return replace(claim.step(Status.UNDER_REVIEW, at=at, by=SHOP, why=why), decision=None)


async def _go_on(deps: Deps, claim_id: str, step: Step, *, at: datetime, is_news: bool = True) -> Claim | None:
    claim = await deps.claims.find(claim_id)
    if claim is None:
        log.warning("answer to a claim that is not here", claim_id=claim_id)
        return None
    announcer: Announcer = await announcer_of(deps, claim)

    def decide(claim: Claim) -> tuple[Claim, list[Event]]:
        stepped = step(claim)
        if not is_news or stepped.status is claim.status:
            return stepped, []
        return stepped, announcer.stepped(stepped, at=at)

    return await change(deps, claim, decide)
