"""What a step has promised and the provider or stock has yet to hear: done at once, or by the sweep after a crash.

The promise is written first, with the step: a refund that is pending, a charge to be voided, units to go back. Each is
then asked under a key of its own (a refund's id, the order's), so that whoever asks again, and however many at once, it
is done once. What was done is written last.
"""

from dataclasses import replace
from datetime import timedelta

import structlog
from prometheus_client import Counter

from services.orders.deps import Deps
from services.orders.life.announce import Announcer, announcer_of
from services.orders.life.change import change
from services.orders.life.domain import Order
from services.orders.life.parcel import Due
from services.orders.life.settle_stock import settle_stock
from services.orders.payments.domain import Refund, RefundState
from services.orders.payments.provider import Outcome, RefundRefused
from shared.errors import TransientError
from shared.events import Event
from shared.personal import Tampered, WrongShape

REFUSED = Counter("padlock_refunds_refused_total", "Refunds that the payment provider will not pay.")
SENT_BACK = "refund-sent-back"
_PAGE = 200
_MARKS_KEPT = timedelta(days=1)
_MARKS_A_TURN = 2_000
log = structlog.get_logger(__name__)


async def finish(deps: Deps, order: Order) -> Order:
    """Do all that the order still owes.

    Raises:
        TransientError: something is left; asking again is safe.
        Tampered, WrongShape: whom to tell of a refund cannot be read.
    """
    if order.owes_void:
        order = await _void(deps, order)
    for refund in order.payment.pending:
        order = await _pay_back(deps, order, refund)
    if order.due is not Due.NOTHING:
        order = await settle_stock(deps, order)
    if order.leftover_person:
        order = await _forget(deps, order)
    return order


async def finish_soon(deps: Deps, order: Order) -> Order:
    """As `finish`, after a step that stands whatever comes now: what cannot be done at once is left to the sweep."""
    try:
        return await finish(deps, order)
    except (TransientError, TimeoutError) as error:
        log.warning("left to the sweep", order_id=order.id, error=str(error))
        return await deps.orders.get(order.id)


async def take_back_refund(deps: Deps, order: Order, refund_id: str) -> Order:
    """A refund was not paid in the end, as the provider says: a person has to look. Asked again it changes nothing.

    Raises:
        TransientError: not written.
    """
    announcer, at = Announcer(deps, None), deps.clock()

    def sent_back(order: Order) -> tuple[Order, list[Event]]:
        changed = order.refund_sent_back(refund_id, SENT_BACK, at=at)
        refund = changed.payment.refund(refund_id)
        if changed is order or refund is None:
            return order, []
        return changed, [announcer.refund_refused(changed, refund, SENT_BACK, at=at)]

    changed = await change(deps, order, sent_back)
    if changed is not order:
        REFUSED.inc()
        log.error("refund refused", order_id=order.id, refund_id=refund_id, reason=SENT_BACK)
    return changed


async def sweep_unfinished(deps: Deps) -> None:
    """One turn over the orders that owe something. One that cannot be finished does not stand in the others' way."""
    behind = ""
    while page := await deps.orders.unfinished(limit=_PAGE, behind=behind):
        for order in page:
            await _finish_one(deps, order)
        behind = page[-1].id


async def sweep_marks(deps: Deps) -> None:
    """Forget the marks in stock of orders that are done with it: a day later nothing of theirs is on its way."""
    for mark in await deps.stock.marks_before(deps.clock() - _MARKS_KEPT, limit=_MARKS_A_TURN):
        order = await deps.orders.find(mark.order_id)
        if order is None or order.due is Due.NOTHING:
            await deps.stock.forget_mark(mark)


async def _finish_one(deps: Deps, order: Order) -> None:
    try:
        done = await finish(deps, order)
    except (TransientError, TimeoutError) as error:
        log.warning("order not finished", order_id=order.id, error=str(error))
    except (Tampered, WrongShape) as error:
        log.error("order not finished", order_id=order.id, reason=type(error).__name__)  # noqa: TRY400 - comes each turn
    else:
        log.warning("order finished", order_id=order.id, state=done.status.value)


async def _void(deps: Deps, order: Order) -> Order:
    charge = await deps.provider.void(order.id)
    captured_minor = charge.amount_minor if charge.outcome is Outcome.PAID else 0
    at = deps.clock()
    return await change(
        deps, order, lambda o: (o.voided(captured_minor=captured_minor, at=at) if o.owes_void else o, ())
    )


async def _pay_back(deps: Deps, order: Order, refund: Refund) -> Order:
    try:
        await deps.provider.refund(order.id, refund.id, amount_minor=refund.amount_minor)
    except RefundRefused as refused:
        return await _note_refusal(deps, order, refund, refused.reason)
    announcer, at = await announcer_of(deps, order), deps.clock()

    def done(order: Order) -> tuple[Order, list[Event]]:
        if not _is_pending(order, refund):
            return order, []
        changed = order.refund_done(refund.id, at=at)
        return changed, [announcer.refund_completed(changed, refund, at=at)]

    return await change(deps, order, done)


async def _note_refusal(deps: Deps, order: Order, refund: Refund, reason: str) -> Order:
    announcer, at = Announcer(deps, None), deps.clock()

    def refused(order: Order) -> tuple[Order, list[Event]]:
        if not _is_pending(order, refund):
            return order, []
        changed = order.refund_refused(refund.id, reason, at=at)
        return changed, [announcer.refund_refused(changed, refund, reason, at=at)]

    REFUSED.inc()
    log.error("refund refused", order_id=order.id, refund_id=refund.id, reason=reason)
    return await change(deps, order, refused)


def _is_pending(order: Order, refund: Refund) -> bool:
    found = order.payment.refund(refund.id)
    return found is not None and found.state is RefundState.PENDING


async def _forget(deps: Deps, order: Order) -> Order:
    """A guest's data key, under which nothing is left."""
    await deps.people.erase(order.leftover_person)
    return await change(deps, order, lambda o: (replace(o, leftover_person="") if o.leftover_person else o, ()))
