"""Orders against a model, any step from any state: on whichever stores the world gives.

What the model does not name is refused and changes nothing. After each step the orders stand where the model says, with
a legal history; money that went back is never more than was taken; each unit is sold, held or in stock; and what the
writes carried tells each purchase, shipment and cancellation once.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, invariant, multiple, rule

from services.orders.life import shipping
from services.orders.life.cancel import cancel
from services.orders.life.domain import Order
from services.orders.life.refunds import CancelInstead, desk_refund, refund
from services.orders.life.steps import LEGAL, IllegalStep, Status
from services.orders.payments.domain import NothingCaptured, RefundTooHigh
from services.orders.stock.store import SoldOut
from shared.contracts.orders import OrderCancelled, OrderDelivered, OrderShipped, PurchaseCompleted
from shared.events import Event
from tests.machines import Machine
from tests.unit.orders.world import LAST_FIVE, World, a_body

STOCK = 5
P, I, S, D = Status.PAID, Status.IN_PREPARATION, Status.SHIPPED, Status.DELIVERED  # noqa: E741  # as they stand below
R, C, F = Status.RETURNED, Status.CANCELLED, Status.REFUNDED
NEXT: Mapping[str, Mapping[Status, Status]] = {
    "prepare": {P: I},
    "ship": {P: S, I: S},
    "deliver": {S: D},
    "take back": {S: R, D: R},
    "cancel": {P: C, I: C, C: C},
}
"""The model: from where to where each step leads. A refund of all that is left ends what was shipped."""
TOLD = {P: PurchaseCompleted.TYPE, S: OrderShipped.TYPE, D: OrderDelivered.TYPE, C: OrderCancelled.TYPE}
REFUSALS = (IllegalStep, shipping.NothingPaid, CancelInstead, NothingCaptured, RefundTooHigh)


@dataclass
class Shop:
    """Orders, and the events that their documents have carried."""

    world: World
    events: Callable[[], Awaitable[Sequence[Event]]]


@dataclass
class Modelled:
    """Where an order stands, and how much of its price has gone back."""

    total_minor: int
    status: Status = P
    refunded_minor: int = 0

    @property
    def rest_minor(self) -> int:
        return self.total_minor - self.refunded_minor


class OrdersMachine(Machine):
    """The world is a `Shop` with five units of one watch, and nothing sold."""

    orders = Bundle("orders")

    @initialize()
    def nothing_sold(self) -> None:
        self.shop: World = self.world.world
        self.model: dict[str, Modelled] = {}
        self.told: Counter[tuple[str, str]] = Counter()
        self.refunds = 0

    @rule(target=orders)
    def buy(self) -> Any:
        if self.left() == 0:
            self.refused(self.shop.buy(a_body(LAST_FIVE)), SoldOut)
            return multiple()
        order: Order = self.wait_for(self.shop.buy(a_body(LAST_FIVE))).order
        self.model[order.id] = Modelled(order.total_minor)
        self.told[order.id, PurchaseCompleted.TYPE] += 1
        return order.id

    @rule(order_id=orders, step=st.sampled_from(sorted(NEXT)))
    def step(self, order_id: str, step: str) -> None:
        modelled = self.model[order_id]
        to = NEXT[step].get(modelled.status)
        if to is None:
            self.refused(self.taken(order_id, step), *REFUSALS)
            return
        self.wait_for(self.taken(order_id, step))
        if to is not modelled.status and to in TOLD:
            self.told[order_id, TOLD[to]] += 1
        modelled.status = to
        if to is C:
            modelled.refunded_minor = modelled.total_minor

    @rule(order_id=orders, steps=st.lists(st.sampled_from(["ship", "cancel"]), min_size=2, max_size=4))
    def several_at_once(self, order_id: str, steps: list[str]) -> None:
        """Staff and buyer decide in the same moment: one of them has it."""
        modelled = self.model[order_id]
        if modelled.status not in (P, I):
            return
        self.wait_for(self._at_once(order_id, steps))
        modelled.status = self.found(order_id).status
        assert modelled.status in (S, C)
        self.told[order_id, TOLD[modelled.status]] += 1
        if modelled.status is C:
            modelled.refunded_minor = modelled.total_minor

    async def _at_once(self, order_id: str, steps: list[str]) -> None:
        order = await self.shop.deps.orders.get(order_id)
        answers = await asyncio.gather(*(self.does(order, each) for each in steps), return_exceptions=True)
        assert any(not isinstance(answer, BaseException) for answer in answers), answers

    @rule(order_id=orders, tenths=st.integers(1, 11), times=st.integers(1, 2))
    def refund(self, order_id: str, tenths: int, times: int) -> None:
        """Of so many tenths of the price; asked twice it is one."""
        modelled = self.model[order_id]
        amount = modelled.total_minor * tenths // 10
        self.refunds += 1
        is_fine = amount <= modelled.rest_minor and modelled.status is not C
        if not is_fine or (amount == modelled.rest_minor and modelled.status in (P, I)):
            self.refused(self._refund(order_id, amount), *REFUSALS)
            return
        for _ in range(times):
            self.wait_for(self._refund(order_id, amount))
        modelled.refunded_minor += amount
        if not modelled.rest_minor:
            modelled.status = F

    async def _refund(self, order_id: str, amount_minor: int) -> None:
        deps = self.shop.deps
        order = await deps.orders.get(order_id)
        wanted = desk_refund(deps, order, amount_minor, key=f"k-{self.refunds}", by="staff:s-1", note="")
        await refund(deps, order, wanted)

    @invariant()
    def every_order_stands_where_the_model_says(self) -> None:
        for order_id, modelled in getattr(self, "model", {}).items():
            order = self.found(order_id)
            payment = order.payment
            assert order.status is modelled.status
            assert (payment.captured_minor, payment.refunded_minor) == (modelled.total_minor, modelled.refunded_minor)
            assert not order.is_unfinished
            statuses = [step.status for step in order.history]
            assert all(later in LEGAL[earlier] for earlier, later in pairwise(statuses))

    @invariant()
    def every_unit_is_sold_or_in_stock(self) -> None:
        if hasattr(self, "model"):
            assert self.wait_for(self.shop.left(LAST_FIVE)) == self.left()

    @invariant()
    def what_was_told_is_what_happened(self) -> None:
        if hasattr(self, "model"):
            events = self.wait_for(self.world.events())
            kinds = set(TOLD.values())
            assert Counter((each.subject, each.type) for each in events if each.type in kinds) == +self.told

    def left(self) -> int:
        return STOCK - sum(modelled.status is not C for modelled in self.model.values())

    def found(self, order_id: str) -> Order:
        order: Order = self.wait_for(self.shop.deps.orders.get(order_id))
        return order

    async def taken(self, order_id: str, step: str) -> None:
        await self.does(await self.shop.deps.orders.get(order_id), step)

    async def does(self, order: Order, step: str) -> Order:
        deps, by = self.shop.deps, "staff:s-1"
        parcel = shipping.Parcel("Yamato", "1234")
        steps: dict[str, Callable[[], Awaitable[Order]]] = {
            "prepare": lambda: shipping.prepare(deps, order, by=by),
            "ship": lambda: shipping.ship(deps, order, parcel, by=by),
            "deliver": lambda: shipping.deliver(deps, order, by=by),
            "take back": lambda: shipping.take_back(deps, order, by=by),
            "cancel": lambda: cancel(deps, order, by=by),
        }
        return await steps[step]()
