"""Cancelling before shipping: one write ends the order and promises everything that follows from it."""

from services.orders.deps import Deps
from services.orders.life.announce import Announcer, announcer_of
from services.orders.life.change import change
from services.orders.life.domain import BUYER, SHOP, Order
from services.orders.life.finish import finish_soon
from services.orders.life.parcel import Due
from services.orders.life.steps import WAITING, Status
from shared.errors import TransientError
from shared.events import Event


async def cancel(
    deps: Deps, order: Order, *, by: str, source: str = "cancellation", if_match: str | None = None
) -> Order:
    """Cancel; what was begun or set aside is voided, what was captured refunded, and the units go back to stock.

    An order that is cancelled already stays as it is.

    Raises:
        IllegalStep: it was shipped, or it is not known yet whether it becomes an order.
        ChangedMeanwhile, TransientError: as `change`; nothing has happened, or it is finished by the sweep.
    """
    return await finish_soon(deps, await _cancelled(deps, order, by=by, source=source, if_match=if_match))


async def give_up_waiting(deps: Deps, order: Order) -> Order:
    """Cancel it in the shop's name where it still waits for the bank or a review; every other order stays as it is.

    The write alone: what follows is left to the sweep, so that nobody waits for the provider.

    Raises:
        TransientError: as `change`.
    """
    return await _cancelled(deps, order, by=SHOP, only=WAITING) if order.status in WAITING else order


async def _cancelled(
    deps: Deps,
    order: Order,
    *,
    by: str,
    source: str = "cancellation",
    if_match: str | None = None,
    only: frozenset[Status] = frozenset(Status),
) -> Order:
    announcer, at = await announcer_of(deps, order), deps.clock()
    # Who cancels what was never paid sees so. It cost them nothing, and the address may be a stranger's.
    nobody = Announcer(deps, None)

    def decide(order: Order) -> tuple[Order, list[Event]]:
        if order.status is Status.CANCELLED or order.status not in only:
            return order, []
        if order.due is Due.TAKE:
            raise TransientError("its unit is not taken from stock yet", retry_after_s=3)
        changed = order.cancelled(at=at, by=by, source=source)
        refund_minor = order.payment.refundable_minor
        to = announcer if order.was_placed or by != BUYER else nobody
        return changed, [to.cancelled(changed, at=at, by=by, refund_minor=refund_minor)]

    return await change(deps, order, decide, if_match=if_match)
