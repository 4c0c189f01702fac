"""What to do where the outcome of a charge is not known: ask the provider. Nobody else's word is taken for it."""

from services.orders.deps import Deps
from services.orders.life.conclude import conclude
from services.orders.life.domain import Order
from services.orders.life.steps import Status

WAITING = frozenset({Status.NEEDS_ACTION, Status.IN_REVIEW})
"""The charge has begun, and how it stands may change at the provider without us."""


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
