"""An order tells stock what comes back, and what it takes without a charge; once, whoever dies in between."""

from collections.abc import Sequence
from dataclasses import replace

from services.orders.deps import Deps
from services.orders.life.change import change
from services.orders.life.domain import SHOP, Order
from services.orders.life.parcel import Due, Replaced
from services.orders.life.steps import Status
from services.orders.stock.store import SoldOut
from shared.contracts.orders import ReplacementCreated, ReplacementRefused
from shared.events import Contract, Event


async def settle_stock(deps: Deps, order: Order) -> Order:
    """Give back the units of an order that was cancelled, or take those of a replacement.

    Raises:
        TransientError: not done, or nobody knows; asking again is safe.
    """
    if order.due is Due.TAKE:
        return await _take(deps, order)
    await deps.stock.give_back(order.id, order.wanted, at=deps.clock())
    return await change(deps, order, lambda o: (_settled(o), ()) if o.due is Due.GIVE_BACK else (o, ()))


async def _take(deps: Deps, order: Order) -> Order:
    try:
        await deps.stock.take(order.id, order.wanted, at=deps.clock())
    except SoldOut:
        return await change(deps, order, lambda o: _refused(deps, o))
    return await change(deps, order, lambda o: _created(deps, o))


def _created(deps: Deps, order: Order) -> tuple[Order, Sequence[Event]]:
    if order.due is not Due.TAKE or order.replaces is None:
        return order, ()
    told = ReplacementCreated(
        **_of(order.replaces), replacement_order_id=order.id, number=order.number, created_at=deps.clock()
    )
    return _settled(order), [_event(deps, told, order)]


def _refused(deps: Deps, order: Order) -> tuple[Order, Sequence[Event]]:
    if order.due is not Due.TAKE or order.replaces is None:
        return order, ()
    at = deps.clock()
    told = ReplacementRefused(**_of(order.replaces), reason=SoldOut.code, refused_at=at)
    return _settled(order.step(Status.CANCELLED, at=at, by=SHOP, note=SoldOut.code)), [_event(deps, told, order)]


def _settled(order: Order) -> Order:
    return replace(order, due=Due.NOTHING)


def _of(replaced: Replaced) -> dict[str, str]:
    return {"claim_id": replaced.claim_id, "order_id": replaced.order_id, "item_id": replaced.item_id}


def _event(deps: Deps, told: Contract, order: Order) -> Event:
    return Event.of(told, id=deps.new_id(), subject=order.id, at=deps.clock())
