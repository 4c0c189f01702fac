"""An order: what was bought, where it stands, and how its charge ends. Its steps are `life.steps`."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.orders.life.parcel import Due, Replaced, Shipment, Withdrawal
from services.orders.life.steps import LEGAL, OPEN, PLACED, TO_BE_SENT, Status, Step, refuse_illegal
from services.orders.payments.domain import Payment, PaymentState, Refund
from services.orders.screening.domain import Marks, Review, Verdict
from services.orders.stock.store import Wanted
from services.orders.taxes.domain import Tax
from shared.contracts.orders import PurchaseCompleted, PurchasedItem, PurchaseTax
from shared.errors import NotFound
from shared.events import Event, Sealed

BUYER, SHOP = "buyer", "shop"
"""Who takes a step, beside the staff."""
_BEGUN = frozenset({PaymentState.NEEDS_ACTION, PaymentState.AUTHORISED})
"""The provider may still take it."""


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
class Item:
    """One unit of a line; `id` is unique for ever."""

    id: str
    line: Line


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

    `card_fingerprint` and `marks` are keyed hashes, empty once the buyer is erased. `version` counts the writes after
    the first. `screening` is None until rules have judged it, `review` until a person has.
    `due` is what stock has yet to hear of, `leftover_person` whose data key is to go. `contact_key` is the keyed hash
    of a guest's address, by which the order is found again. `is_orphan`: the account was erased before it was shipped.
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
    shipment: Shipment | None = None
    replaces: Replaced | None = None
    withdrawal: Withdrawal | None = None
    due: Due = Due.NOTHING
    leftover_person: str = ""
    contact_key: str = ""
    marks: Marks = field(default_factory=Marks)
    screening: Verdict | None = None
    review: Review | None = None
    tax: Tax = field(default_factory=Tax)
    is_orphan: bool = False

    @property
    def total_minor(self) -> int:
        """What is charged."""
        return sum(line.total_minor for line in self.lines) + self.shipping_minor + self.tax.added_minor

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """What it takes from stock."""
        return tuple(Wanted(line.sku, line.quantity) for line in self.lines)

    @property
    def units(self) -> int:
        """How many watches."""
        return sum(line.quantity for line in self.lines)

    @property
    def items(self) -> tuple[Item, ...]:
        """Its units, each with an id of its own."""
        return tuple(
            Item(f"{self.id}-{place}-{unit}", line)
            for place, line in enumerate(self.lines, start=1)
            for unit in range(1, line.quantity + 1)
        )

    @property
    def owes_void(self) -> bool:
        """It was cancelled before the money was taken: that it never is any more, the provider has yet to make sure."""
        return self.status is Status.CANCELLED and self.payment.state in _BEGUN

    @property
    def owes_since(self) -> datetime | None:
        """When the first was promised of what the provider has yet to do: to pay back, or to void. None: nothing."""
        promised = [refund.requested_at for refund in self.payment.pending]
        return min([*promised, self.history[-1].at] if self.owes_void else promised, default=None)

    @property
    def is_unfinished(self) -> bool:
        """Its last step has promised something that is not done yet."""
        return bool(self.owes_void or self.payment.pending or self.due is not Due.NOTHING or self.leftover_person)

    @property
    def was_placed(self) -> bool:
        """It is more than an attempt: see `PLACED`."""
        return any(step.status in PLACED for step in self.history)

    @property
    def needs_attention(self) -> bool:
        """A person has to look: the provider refused a refund that is owed, or nobody knows where to send the order."""
        is_owing = self.status is Status.CANCELLED and self.payment.refundable_minor > 0
        return is_owing or self.payment.has_unpaid_refusal or self.cannot_be_sent

    @property
    def cannot_be_sent(self) -> bool:
        """It was paid, and its address went with the account: what is left is to cancel it."""
        return self.is_orphan and self.status in TO_BE_SENT

    def orphaned(self) -> "Order":
        """Its account was erased; the same order where that was known, or where it changes nothing any more."""
        return self if self.is_orphan or self.status not in OPEN | TO_BE_SENT else replace(self, is_orphan=True)

    def step(self, wanted: Status, *, at: datetime, by: str, note: str = "") -> "Order":
        """Take a legal step and put it on the timeline.

        Raises:
            IllegalStep: the order does not stand where this could be done.
        """
        return self._stepped(wanted, at=at, by=by, note=note)

    def _stepped(self, wanted: Status, *, at: datetime, by: str, note: str = "", **changes: Any) -> "Order":
        """`step`, and what else changes with it: a copy costs too much to make two."""
        refuse_illegal(self.status, wanted)
        return replace(self, status=wanted, history=(*self.history, Step(wanted, at, by, note)), **changes)

    def paid(self, *, at: datetime, event_id: str, buyer: Sealed, by: str = BUYER) -> tuple["Order", Event]:
        """The money was taken."""
        payment = replace(self.payment, state=PaymentState.CAPTURED, captured_minor=self.total_minor, action_url="")
        order = self._stepped(Status.PAID, at=at, by=by, settled_at=at, payment=payment)
        return order, order.purchase(at=at, event_id=event_id, buyer=buyer)

    @property
    def paid_at(self) -> datetime | None:
        """When the money was taken, if it was."""
        return next((step.at for step in self.history if step.status is Status.PAID), None)

    def purchase(self, *, at: datetime, event_id: str, buyer: Sealed) -> Event:
        """That it was paid at that moment, to be told once more."""
        return Event.of(_purchase(self, at=at, buyer=buyer), id=event_id, subject=self.id, at=at)

    def needs_action(self, action_url: str, *, at: datetime) -> "Order":
        """The buyer's bank wants to see the buyer."""
        payment = replace(self.payment, state=PaymentState.NEEDS_ACTION, action_url=action_url)
        return self._stepped(Status.NEEDS_ACTION, at=at, by=SHOP, payment=payment)

    def in_review(self, *, at: datetime) -> "Order":
        """The money is set aside until somebody has looked."""
        payment = replace(self.payment, state=PaymentState.AUTHORISED, action_url="")
        return self._stepped(Status.IN_REVIEW, at=at, by=SHOP, payment=payment)

    def declined(self, reason: str, *, at: datetime) -> "Order":
        """The provider refused the card."""
        payment = replace(self.payment, state=PaymentState.FAILED, action_url="")
        return self._stepped(Status.DECLINED, at=at, by=SHOP, settled_at=at, declined_because=reason, payment=payment)

    def failed(self, *, at: datetime) -> "Order":
        """Nothing was charged and nothing can be any more.

        The order gives its key up: whoever repeats the request, not knowing how it ended, starts anew with it.
        """
        attempt = replace(self.attempt, key=f"{self.attempt.key}:{self.id}")
        payment = replace(self.payment, state=PaymentState.CANCELLED, action_url="")
        return self._stepped(Status.FAILED, at=at, by=SHOP, settled_at=at, attempt=attempt, payment=payment)

    def shipped(self, shipment: Shipment, *, at: datetime, by: str) -> "Order":
        """It was handed to the carrier."""
        return replace(self.step(Status.SHIPPED, at=at, by=by), shipment=shipment)

    def cancelled(self, *, at: datetime, by: str, source: str = "cancellation") -> "Order":
        """It will not be shipped: units go back to stock, and so does the money that was taken or set aside."""
        payment = replace(self.payment, action_url="")
        order = self._stepped(Status.CANCELLED, at=at, by=by, due=Due.GIVE_BACK, payment=payment)
        return order.with_rest_refunded(source, at=at, by=by)

    def with_rest_refunded(self, source: str, *, at: datetime, by: str) -> "Order":
        """Speak for a refund of all that is left of what was captured, if anything is."""
        rest_minor = self.payment.refundable_minor
        if not rest_minor:
            return self
        wanted = Refund(f"{source}-{self.id}", rest_minor, source, by, at)
        return replace(self, payment=self.payment.with_refund(wanted))

    def voided(self, *, captured_minor: int, at: datetime) -> "Order":
        """How the charge of a cancelled order has ended that was not taken; what was taken meanwhile goes back."""
        if not captured_minor:
            return replace(self, payment=replace(self.payment, state=PaymentState.CANCELLED))
        payment = replace(self.payment, state=PaymentState.CAPTURED, captured_minor=captured_minor)
        return replace(self, payment=payment).with_rest_refunded("cancellation", at=at, by=SHOP)

    def refund_done(self, refund_id: str, *, at: datetime) -> "Order":
        """The provider has paid it back; after shipping, the order ends where nothing of its price is left."""
        order = replace(self, payment=self.payment.refund_done(refund_id, at=at))
        is_over = order.payment.state is PaymentState.REFUNDED and Status.REFUNDED in LEGAL[self.status]
        return order.step(Status.REFUNDED, at=at, by=SHOP) if is_over else order

    def refund_refused(self, refund_id: str, reason: str, *, at: datetime) -> "Order":
        """The provider will not pay it back."""
        return replace(self, payment=self.payment.refund_refused(refund_id, reason, at=at))

    def refund_sent_back(self, refund_id: str, reason: str, *, at: datetime) -> "Order":
        """It was not paid in the end, though it was told as paid; the same order where that was known."""
        payment = self.payment.refund_sent_back(refund_id, reason, at=at)
        return self if payment is self.payment else replace(self, payment=payment)


def _purchase(order: Order, *, at: datetime, buyer: Sealed) -> PurchaseCompleted:
    # Not `model_construct`: that is Python, and takes twice as long as pydantic takes to validate.
    tax = order.tax
    return PurchaseCompleted(
        order_id=order.id,
        number=order.number,
        purchased_at=at,
        placed_at=order.created_at,
        currency=order.currency,
        language=order.language,
        country=order.country,
        items=tuple(
            PurchasedItem(
                item_id=item.id,
                sku=item.line.sku,
                name=item.line.name,
                unit_price_minor=item.line.unit_price_minor,
                warranty_months=item.line.warranty_months,
            )
            for item in order.items
        ),
        shipping_minor=order.shipping_minor,
        total_minor=order.total_minor,
        tax=PurchaseTax(kind=tax.kind, rate_bp=tax.rate_bp, amount_minor=tax.amount_minor, included=tax.included),
        buyer=buyer,
    )
