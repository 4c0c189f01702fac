"""Refunds: in part or whole, each once, together never more than was captured."""

from dataclasses import replace

from services.orders.deps import Deps
from services.orders.life.change import change
from services.orders.life.domain import Order
from services.orders.life.finish import finish_soon
from services.orders.life.steps import Status
from services.orders.payments.domain import Refund, RefundUsedOtherwise
from shared.errors import DomainError, ErrorKind

_NOT_SHIPPED = frozenset({Status.PAID, Status.IN_PREPARATION})


class CancelInstead(DomainError):
    """All of the money of an order that was not shipped goes back by cancelling it."""

    kind = ErrorKind.CONFLICT
    code = "cancel-instead"


async def refund(deps: Deps, order: Order, wanted: Refund, *, if_match: str | None = None) -> Order:
    """Speak for the refund, then have the provider pay it; asked again with the same id, it is the same refund.

    Returns:
        The order, whose refund is done, refused, or, where the provider does not answer, pending: the sweep asks on.

    Raises:
        NothingCaptured, RefundTooHigh, CancelInstead: it is not paid.
        RefundUsedOtherwise: the id belongs to a refund of another amount.
        ChangedMeanwhile, TransientError: as `change`.
    """

    def decide(order: Order) -> tuple[Order, tuple[()]]:
        payment = order.payment.with_refund(wanted)
        if payment is order.payment:
            _refuse_other_body(order, wanted)
            return order, ()
        if order.status in _NOT_SHIPPED and not payment.refundable_minor:
            raise CancelInstead
        return replace(order, payment=payment), ()

    return await finish_soon(deps, await change(deps, order, decide, if_match=if_match))


def _refuse_other_body(order: Order, wanted: Refund) -> None:
    earlier = order.payment.refund(wanted.id)
    if earlier is not None and earlier.note != wanted.note:
        raise RefundUsedOtherwise


def desk_refund(deps: Deps, order: Order, amount_minor: int, *, key: str, by: str, note: str) -> Refund:
    """What staff ask for; equal for equal askers, orders and keys."""
    refund_id = f"desk-{deps.index.of('refund', f'{order.id} {by} {key}')[:32]}"
    return Refund(refund_id, amount_minor, "desk", by, deps.clock(), note=note)
