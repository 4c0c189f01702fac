"""An order: what was bought, where it stands, and how its charge ends. Its steps are `life.steps`."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.orders.life.steps import Status, Step, refuse_illegal
from services.orders.payments.domain import Payment, PaymentState
from services.orders.stock.store import Wanted
from shared.contracts.orders import PurchaseCompleted, PurchasedItem
from shared.errors import NotFound
from shared.events import Event, Sealed

BUYER, SHOP = "buyer", "shop"
"""Who takes a step, beside the staff."""


class OrderNotFound(NotFound):
    """There is no such order, or it is not yours."""

    code = "order-not-found"


@dataclass(frozen=True, slots=True)
class Line:
    """One product of an order, as it was called and priced when it was bought."""

    sku: str
    name: str
    quantity: int
    unit_price_minor: int
    warranty_months: int

    @property
    def total_minor(self) -> int:
        """Price of all its units."""
        return self.unit_price_minor * self.quantity


@dataclass(frozen=True, slots=True)
class Personal:
    """What is sealed under the person's key: contact, shipping, and what is left of the card (`life.kept`).

    `card` is the box of the kept parts, which serves fraud rules alone; `ending` is what the buyer sees of the card.
    """

    person_id: str
    contact: bytes
    shipping: bytes
    card: bytes
    ending: bytes


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a repeated request is recognised: keyed hashes of who asked with which key, and of what was asked.

    The body's hash covers the kept parts of the card only: a hash of the whole number would be the whole number.
    """

    key: str
    body: str


@dataclass(frozen=True, slots=True)
class Order:
    """One order. `account_id` is empty for a guest; money in minor units of `currency`.

    `card_fingerprint` is a keyed hash, empty once the buyer is erased. `version` counts the writes after the first.
    """

    id: str
    number: str
    status: Status
    attempt: Attempt
    account_id: str
    language: str
    currency: str
    country: str
    lines: tuple[Line, ...]
    shipping_minor: int
    personal: Personal
    card_fingerprint: str
    newsletter: bool
    created_at: datetime
    settled_at: datetime | None = None
    declined_because: str = ""
    payment: Payment = field(default_factory=Payment)
    history: tuple[Step, ...] = ()
    version: int = 0

    @property
    def total_minor(self) -> int:
        """What is charged."""
        return sum(line.total_minor for line in self.lines) + self.shipping_minor

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """What it takes from stock."""
        return tuple(Wanted(line.sku, line.quantity) for line in self.lines)

    @property
    def units(self) -> int:
        """How many watches."""
        return sum(line.quantity for line in self.lines)

    def step(self, wanted: Status, *, at: datetime, by: str, note: str = "") -> "Order":
        """Take a legal step and put it on the timeline.

        Raises:
            IllegalStep: the order does not stand where this could be done.
        """
        refuse_illegal(self.status, wanted)
        return replace(self, status=wanted, history=(*self.history, Step(wanted, at, by, note)))

    def paid(self, *, at: datetime, event_id: str, buyer: Sealed, by: str = BUYER) -> tuple["Order", Event]:
        """The money was taken."""
        payment = replace(self.payment, state=PaymentState.CAPTURED, captured_minor=self.total_minor, action_url="")
        order = replace(self.step(Status.PAID, at=at, by=by), settled_at=at, payment=payment)
        return order, Event.of(_purchase(order, at=at, buyer=buyer), id=event_id, subject=self.id, at=at)

    def needs_action(self, action_url: str, *, at: datetime) -> "Order":
        """The buyer's bank wants to see the buyer."""
        payment = replace(self.payment, state=PaymentState.NEEDS_ACTION, action_url=action_url)
        return replace(self.step(Status.NEEDS_ACTION, at=at, by=SHOP), payment=payment)

    def in_review(self, *, at: datetime) -> "Order":
        """The money is set aside until somebody has looked."""
        payment = replace(self.payment, state=PaymentState.AUTHORISED, action_url="")
        return replace(self.step(Status.IN_REVIEW, at=at, by=SHOP), payment=payment)

    def declined(self, reason: str, *, at: datetime) -> "Order":
        """The provider refused the card."""
        payment = replace(self.payment, state=PaymentState.FAILED, action_url="")
        declined = self.step(Status.DECLINED, at=at, by=SHOP)
        return replace(declined, settled_at=at, declined_because=reason, payment=payment)

    def failed(self, *, at: datetime) -> "Order":
        """Nothing was charged and nothing can be any more.

        The order gives its key up: whoever repeats the request, not knowing how it ended, starts anew with it.
        """
        attempt = replace(self.attempt, key=f"{self.attempt.key}:{self.id}")
        payment = replace(self.payment, state=PaymentState.CANCELLED, action_url="")
        failed = self.step(Status.FAILED, at=at, by=SHOP)
        return replace(failed, settled_at=at, attempt=attempt, payment=payment)


def _purchase(order: Order, *, at: datetime, buyer: Sealed) -> PurchaseCompleted:
    # Every value is our own: nothing is left to validate on the hottest path.
    return PurchaseCompleted.model_construct(
        order_id=order.id,
        number=order.number,
        purchased_at=at,
        placed_at=order.created_at,
        currency=order.currency,
        language=order.language,
        country=order.country,
        items=tuple(_items(order.id, order.lines)),
        shipping_minor=order.shipping_minor,
        total_minor=order.total_minor,
        buyer=buyer,
    )


def _items(order_id: str, lines: Sequence[Line]) -> list[PurchasedItem]:
    return [
        PurchasedItem.model_construct(
            item_id=f"{order_id}-{place}-{unit}",
            sku=line.sku,
            name=line.name,
            unit_price_minor=line.unit_price_minor,
            warranty_months=line.warranty_months,
        )
        for place, line in enumerate(lines, start=1)
        for unit in range(1, line.quantity + 1)
    ]
