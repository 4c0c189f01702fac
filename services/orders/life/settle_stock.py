"""An order tells stock what it takes without a charge, and what comes back; once, whoever dies in between."""

from dataclasses import replace

from services.orders.deps import Deps
from services.orders.life.change import change
from services.orders.life.domain import Order
from services.orders.life.parcel import Due


async def settle_stock(deps: Deps, order: Order) -> Order:
    """Give back the units of an order that was cancelled.

    Raises:
        TransientError: not done, or nobody knows; asking again is safe.
    """
    if order.due is Due.GIVE_BACK:
        await deps.stock.give_back(order.id, order.wanted, at=deps.clock())
    return await change(deps, order, lambda o: (replace(o, due=Due.NOTHING) if o.due is order.due else o, ()))
