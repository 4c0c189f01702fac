"""What to do where the outcome of a charge is not known: ask the provider. Nobody else's word is taken for it."""

from collections.abc import Awaitable, Callable

import structlog

from services.orders.deps import Deps
from services.orders.life.conclude import conclude
from services.orders.life.domain import Order
from services.orders.life.steps import WAITING
from shared.personal import Tampered, WrongShape
from shared.sealing import NoPublicKey

Settle = Callable[[Deps, Order], Awaitable[Order]]
"""Takes an order to where its charge stands."""
log = structlog.get_logger(__name__)


async def ask_provider(deps: Deps, order: Order) -> Order:
    """The order as its charge stands by now; unchanged where it has ended, or where the provider knows nothing yet.

    Raises:
        TransientError: the provider did not answer; the order stays as it is.
        Tampered, WrongShape, NoPublicKey: as `conclude`.
    """
    charge = await deps.provider.lookup(order.id)
    return order if charge is None else await conclude(deps, order, charge)


async def ask_while_waiting(deps: Deps, order: Order) -> Order:
    """`ask_provider` where the order waits for somebody; every other order stays as it is."""
    return await ask_provider(deps, order) if order.status in WAITING else order


async def settle(deps: Deps, order: Order, how: Settle = ask_provider) -> None:
    """Settle where nobody waits for the answer; what cannot be concluded is logged, and stays as it is.

    Raises:
        TransientError: the question is open; it may be asked again.
    """
    try:
        ended = await how(deps, order)
    except (Tampered, WrongShape, NoPublicKey) as error:
        # The next order must not wait for this one. No traceback: it comes again at each turn.
        log.error("order not resolved", order_id=order.id, reason=type(error).__name__)  # noqa: TRY400
        return
    if ended.status is not order.status:
        log.warning("order resolved", order_id=order.id, state=ended.status.value)
