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
from services.warranty.claims.steps import SHOP, Status
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
_UNDER_WAY = frozenset({Progress.REQUESTED, Progress.SENDING})


async def refund_completed(deps: Deps, told: RefundCompleted) -> None:
    """The money has gone back, in time or late: the claim is closed, and the item is covered no longer."""
    at = told.completed_at
    if not told.claim_id:
        return

    def step(claim: Claim) -> Claim:
        if claim.saga.progress is Progress.DONE or not claim.is_open:
            return claim
        saga = replace(claim.saga, progress=Progress.DONE, refund_id=told.refund_id, due_at=None)
        refunded = _done(claim, saga, Remedy.REFUND, at=at).step(Status.REFUNDED, at=at, by=SHOP)
        return refunded.step(Status.CLOSED, at=at, by=SHOP, why="refunded")

    claim = await _go_on(deps, told.claim_id, step, at=at)
    if claim is not None and claim.saga.refund_id == told.refund_id:
        await deps.purchases.note_paid_back(claim.item.purchase_id, claim.id)


async def refund_refused(deps: Deps, told: RefundRefused) -> None:
    """Orders won't pay it back: a person has to look."""
    if told.claim_id:
        await _go_on(deps, told.claim_id, _handed_over(told.reason, told.refused_at), at=told.refused_at)


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
    await _go_on(deps, told.claim_id, _handed_over(told.reason, told.refused_at), at=told.refused_at)


async def replacement_cancelled(deps: Deps, told: OrderCancelled) -> None:
    """The replacement's order was cancelled: a person has to look."""
    if told.replaces is not None:
        step = _handed_over("replacement-cancelled", told.cancelled_at)
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
    if claim.status is not Status.APPROVED or claim.saga.progress not in _UNDER_WAY:
        return claim
    saga = replace(claim.saga, progress=Progress.REFUSED, refused=why, due_at=None)
    back = replace(claim, saga=saga).step(Status.UNDER_REVIEW, at=at, by=SHOP, why=why)
    return replace(back, decision=None).flagged("remedy-failed")


def _handed_over(why: str, at: datetime) -> Step:
    return lambda claim: handed_over(claim, why, at=at)


async def _go_on(deps: Deps, claim_id: str, step: Step, *, at: datetime, is_news: bool = True) -> Claim | None:
    claim = await deps.claims.find(claim_id)
    if claim is None:
        log.warning("answer to a claim that is not here", claim_id=claim_id)
        return None
    announcer: Announcer = await announcer_of(deps, claim)

    def decide(claim: Claim) -> tuple[Claim, list[Event]]:
        stepped = step(claim)
        if stepped is claim or not is_news:
            return stepped, []
        return stepped, announcer.stepped(stepped, at=at)

    return await change(deps, claim, decide)
