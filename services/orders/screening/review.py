"""How a review ends. The finding is written first; the provider is asked then, and the order concluded last.

Whoever dies in between leaves a finding that the sweep carries out: the provider captures or voids an order's charge
once, however often it is asked.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from services.orders.deps import Deps
from services.orders.life.cancel import cancel
from services.orders.life.change import change
from services.orders.life.conclude import conclude
from services.orders.life.domain import SHOP, Order
from services.orders.life.steps import Status
from services.orders.life.store import COLLECTION
from services.orders.payments.provider import Outcome
from services.orders.screening.blocks import Block
from services.orders.screening.domain import Finding, Kind, Review
from shared.errors import DomainError, ErrorKind, TransientError
from shared.events import Event
from shared.personal import PersonErased, Place, Tampered, WrongShape
from shared.sealing import NoPublicKey

_PAGE = 200
PURPOSE = "screening"
log = structlog.get_logger(__name__)


class NotInReview(DomainError):
    """The order does not wait for a review."""

    kind = ErrorKind.CONFLICT
    code = "not-in-review"


class ReviewedOtherwise(DomainError):
    """Somebody has decided otherwise."""

    kind = ErrorKind.CONFLICT
    code = "reviewed-otherwise"


async def review(
    deps: Deps,
    order: Order,
    finding: Finding,
    *,
    by: str,
    note: str = "",
    block: Sequence[Kind] = (),
    if_match: str | None = None,
) -> Order:
    """Approve, and take the money; or reject, void it, and cancel. The same finding again changes nothing.

    Raises:
        NotInReview, ReviewedOtherwise: nothing has changed.
        ChangedMeanwhile: the order is not at the version that `if_match` names.
        TransientError: the finding was not written, or nobody knows; else the sweep carries it out.
    """
    decided = Review(finding, by, deps.clock(), await _sealed(deps, order, note), tuple(block))
    sealed_for = order.personal.person_id

    def record(order: Order) -> tuple[Order, Sequence[Event]]:
        if order.review is not None:
            if order.review.finding is not finding:
                raise ReviewedOtherwise
            return order, ()
        if order.status is not Status.IN_REVIEW:
            raise NotInReview
        if note and order.personal.person_id != sealed_for:
            raise TransientError("an account has just claimed the order", retry_after_s=1)
        return replace(order, review=decided), ()

    recorded = await change(deps, order, record, if_match=if_match)
    try:
        return await carry_out(deps, recorded)
    except (TransientError, TimeoutError) as error:
        log.warning("review left to the sweep", order_id=order.id, error=str(error))
        return await deps.orders.get(order.id)


async def carry_out(deps: Deps, order: Order) -> Order:
    """Do what the finding says; asking again is safe.

    Raises:
        TransientError: the provider or the database is away.
        Tampered, WrongShape, NoPublicKey: as `conclude`.
    """
    decided = order.review
    if decided is None or order.status is not Status.IN_REVIEW:
        return order
    for kind, mark in order.marks.present.items():
        if kind in decided.block:
            await deps.blocks.add(Block(kind, mark, decided.by, decided.at, f"order {order.number}"))
    if decided.finding is Finding.REJECT:
        return await cancel(deps, order, by=decided.by)
    if order.is_orphan:  # no money is taken for what can be sent to nobody
        return await cancel(deps, order, by=SHOP)
    charge = await deps.provider.capture(order.id)
    if charge.outcome is not Outcome.PAID:  # it has lapsed at the provider, or was voided there
        return await cancel(deps, order, by=SHOP)
    return await conclude(deps, order, charge)


async def sweep_reviews(deps: Deps) -> None:
    """One turn: carry out what was decided, and reject what nobody has decided in time."""
    now, behind = deps.clock(), ""
    left_behind = now - timedelta(seconds=deps.settings.resolve_after_s)
    while page := await deps.orders.standing_since(Status.IN_REVIEW, left_behind, limit=_PAGE, behind=behind):
        for order in page:
            await _end(deps, order, is_late=order.created_at < now - timedelta(days=deps.settings.review_days))
        behind = page[-1].id


async def _end(deps: Deps, order: Order, *, is_late: bool) -> None:
    try:
        if order.review is not None:
            await carry_out(deps, order)
        elif is_late:
            await review(deps, order, Finding.REJECT, by=SHOP)
            log.warning("review lapsed", order_id=order.id)
    except (TransientError, TimeoutError, DomainError) as error:
        log.warning("review not ended", order_id=order.id, error=str(error))
    except (Tampered, WrongShape, NoPublicKey) as error:
        log.error("review not ended", order_id=order.id, reason=type(error).__name__)  # noqa: TRY400 - comes each turn


async def note_of(deps: Deps, order: Order) -> str:
    """What the reviewer wrote; "" where there is nothing, the buyer was erased, or nothing opens it any more."""
    if order.review is None or not order.review.note:
        return ""
    try:
        person = await deps.people.known(order.personal.person_id)
        return person.open(order.review.note, Place(COLLECTION, "review", order.id), purpose=PURPOSE).decode()
    except PersonErased:
        return ""
    except Tampered:  # of an order that an account has claimed by a release that left the note under the guest's key
        log.error("note of a review not readable", order_id=order.id)  # noqa: TRY400 - it comes at each look
        return ""


async def _sealed(deps: Deps, order: Order, note: str) -> bytes:
    if not note:
        return b""
    try:
        person = await deps.people.known(order.personal.person_id)
    except PersonErased:
        return b""
    return person.seal(note, Place(COLLECTION, "review", order.id))
