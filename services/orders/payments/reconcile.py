"""The provider's ledger beside our orders: both read once, newest first, side by side, so that memory stays flat.

A charge begins within moments of its order. So beside an order only the charges of about that time are held. Whatever
seems not to agree is asked for by its id on both sides before it is told: what was merely out of step, or has changed
meanwhile, is no difference.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.orders.deps import Deps
from services.orders.life.domain import Order
from services.orders.payments.differences import Difference, compare, is_stuck
from services.orders.payments.provider import Charge

APART = timedelta(minutes=15)
"""How far an order and its charge may be from each other in time, and two clocks."""
_PAGE = 200


@dataclass
class Counted:
    """How much was read, for the summary; `held` is the most charges that were in memory at once."""

    orders: int = 0
    charges: int = 0
    held: int = 0


@dataclass
class Charges:
    """The provider's charges, read as far as they are needed."""

    source: AsyncIterator[Charge]
    counted: Counted
    held: dict[str, Charge] = field(default_factory=dict)
    _oldest: datetime | None = None
    _is_over: bool = False

    async def read_back_to(self, moment: datetime | None) -> list[Charge]:
        """Hold every charge that is not older than `moment` (None: a page of what is left); those of no order of ours
        are returned.
        """
        odd: list[Charge] = []
        while not self._is_over and (moment is None or self._oldest is None or self._oldest >= moment):
            charge = await anext(self.source, None)
            if charge is None:
                self._is_over = True
                break
            self.counted.charges += 1
            self._oldest = charge.charged_at
            if charge.order_id:
                self.held[charge.order_id] = charge
            else:
                odd.append(charge)
            self.counted.held = max(self.counted.held, len(self.held) + len(odd))
            if moment is None and len(self.held) + len(odd) >= _PAGE:
                break
        return odd

    def let_go(self, newer_than: datetime | None) -> list[Charge]:
        """What no order has asked for and none will any more (None: everything)."""
        gone = [each for each in self.held.values() if newer_than is None or each.charged_at > newer_than]
        for charge in gone:
            del self.held[charge.order_id]
        return gone


async def reconcile(deps: Deps, *, since: datetime | None = None, counted: Counted) -> AsyncIterator[Difference]:
    """Each difference of the orders placed, and the charges begun, from `since` on; of older ones what is stuck.

    Raises:
        TransientError: the provider or the database is away; what was told until then holds.
    """
    charges = Charges(deps.provider.charges(since=since), counted)
    async for order in _orders(deps, since):
        counted.orders += 1
        odd = await charges.read_back_to(order.created_at - APART)
        for stray in [*odd, *charges.let_go(order.created_at + APART)]:
            if found := await _confirmed(deps, None, stray):
                yield found
        charge = charges.held.pop(order.id, None)
        if compare(order, charge, now=deps.clock()) and (found := await _confirmed(deps, order, charge)):
            yield found
    while True:
        odd = await charges.read_back_to(None)
        rest = [*odd, *charges.let_go(None)]
        if not rest:
            break
        for stray in rest:
            if found := await _confirmed(deps, None, stray):
                yield found
    async for order in _stuck(deps, since):
        if found := await _confirmed(deps, order, None):
            yield found


async def _orders(deps: Deps, since: datetime | None) -> AsyncIterator[Order]:
    behind = ""
    while page := await deps.orders.newest(before=behind, limit=_PAGE):
        for order in page:
            if since is not None and order.created_at < since:
                return
            yield order
        behind = page[-1].id


async def _stuck(deps: Deps, before: datetime | None) -> AsyncIterator[Order]:
    """Older orders of which the provider has long not done what they promise; those since then are compared anyway."""
    behind = ""
    while before is not None and (page := await deps.orders.unfinished(limit=_PAGE, behind=behind)):
        for order in page:
            if order.created_at < before and is_stuck(order, now=deps.clock()):
                yield order
        behind = page[-1].id


async def _confirmed(deps: Deps, order: Order | None, charge: Charge | None) -> Difference | None:
    """The same question once more, of both sides by name. What belongs to none of our orders cannot be asked for."""
    order_id = order.id if order else charge.order_id if charge else ""
    order = await deps.orders.find(order_id) if order_id else None
    if order is not None:
        charge = await deps.provider.lookup(order_id)
    return compare(order, charge, now=deps.clock())
