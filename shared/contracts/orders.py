"""What orders announces."""

from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.contracts import persons
from shared.events import Contract, Sealed


class PurchasedItem(BaseModel):
    """One unit sold: a line of two watches is two items, for each has its own serial number and warranty."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    item_id: str = Field(description="unique for ever: the order's id, line and unit; warranty's natural key")
    sku: str
    name: str = Field(description="the product's name in the buyer's language")
    unit_price_minor: int
    warranty_months: int


class Buyer(BaseModel):
    """Who bought; travels only inside a sealed box, and each reader gets only what it needs.

    Warranty gets `account_id`, name and e-mail for the mails about a claim, and of a guest's order `link_proof`; mailer
    gets name, e-mail, the link to the order, and whether the box was ticked.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    account_id: str = ""
    name: str = ""
    email: str = ""
    order_link: str = ""
    link_proof: str = ""
    """SHA-256, in hex, of the token in a guest's link: by it warranty knows who comes with that link."""
    newsletter: bool = False
    """The buyer ticked the newsletter box; mailer then asks for confirmation by mail."""


class PurchaseTax(BaseModel):
    """The tax of a purchase: in its prices where it is `included`, else added to goods and shipping."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: str = Field(default="none", description="none, consumption_tax, vat, gst or sales_tax")
    rate_bp: int = Field(default=0, description="in basis points: 1000 is 10 %")
    amount_minor: int = 0
    included: bool = True


class PurchaseCompleted(Contract):
    """An order was paid. Money in minor units of `currency` (ISO 4217)."""

    TYPE: ClassVar[str] = "orders.purchase.completed.v1"

    order_id: str
    number: str = Field(description="the order's number as people read it")
    purchased_at: AwareDatetime = Field(description="when it was paid")
    placed_at: AwareDatetime | None = Field(default=None, description="when the buyer ordered")
    currency: str
    language: str = "en"
    country: str = Field(default="", description="ISO 3166-1 alpha-2 of the delivery, for the warranty rule")
    items: tuple[PurchasedItem, ...]
    shipping_minor: int = 0
    total_minor: int
    tax: PurchaseTax = PurchaseTax()
    buyer: Sealed
    """`Buyer`, sealed to mailer and to warranty."""


class Notified(BaseModel):
    """Whom a mail about an order is for; travels only inside a box for mailer, empty where the buyer was erased."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = ""
    email: str = ""
    order_link: str = ""
    carrier: str = ""
    tracking: str = ""


class Replaces(BaseModel):
    """The item that a replacement order stands in for, and the claim that asked for it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    order_id: str
    item_id: str
    claim_id: str


class ShippedItem(BaseModel):
    """One unit on its way. `item_id` is that of the purchase, or of the replacement order."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    item_id: str
    sku: str
    name: str
    serial: str = Field(description="the unit's serial number, unique for ever")


class OrderShipped(Contract):
    """An order was handed to the carrier, and each unit has a serial number."""

    TYPE: ClassVar[str] = "orders.order.shipped.v1"

    order_id: str
    number: str
    shipped_at: AwareDatetime
    language: str = "en"
    items: tuple[ShippedItem, ...]
    replaces: Replaces | None = None
    recipient: Sealed
    """`Notified`, with carrier and tracking, sealed to mailer."""


class OrderDelivered(Contract):
    """An order has arrived. No person in it."""

    TYPE: ClassVar[str] = "orders.order.delivered.v1"

    order_id: str
    delivered_at: AwareDatetime
    is_replacement: bool = False


class OrderCancelled(Contract):
    """An order was cancelled before it was shipped; what was taken for it goes back by itself."""

    TYPE: ClassVar[str] = "orders.order.cancelled.v1"

    order_id: str
    number: str
    cancelled_at: AwareDatetime
    by: Literal["buyer", "staff", "shop"]
    language: str = "en"
    currency: str
    refund_minor: int = Field(description="what goes back to the card; 0 where nothing had been taken yet")
    item_ids: tuple[str, ...] = ()
    replaces: Replaces | None = None
    recipient: Sealed
    """`Notified`, sealed to mailer."""


class RefundCompleted(Contract):
    """The provider has paid back money of an order. `refund_id` is the natural key; minor units of `currency`."""

    TYPE: ClassVar[str] = "orders.refund.completed.v1"

    refund_id: str
    order_id: str
    number: str
    completed_at: AwareDatetime
    language: str = "en"
    currency: str
    amount_minor: int
    refunded_minor: int = Field(description="all that has gone back of this order so far")
    source: str = Field(description='"cancellation", "desk", "withdrawal" or "claim:<id>"')
    claim_id: str = ""
    recipient: Sealed
    """`Notified`, sealed to mailer."""


class RefundRefused(Contract):
    """A refund will not be paid as it was asked: by the provider, or because the order does not allow it."""

    TYPE: ClassVar[str] = "orders.refund.refused.v1"

    refund_id: str
    order_id: str
    amount_minor: int | None = Field(description="none where none was named and the order is not known")
    source: str
    claim_id: str = ""
    reason: str = Field(description="a stable code, such as refund-too-high or order-not-found")
    refused_at: AwareDatetime


class ReplacementCreated(Contract):
    """A claim has its replacement order, at no charge, its unit taken from stock. No purchase: cover carries on."""

    TYPE: ClassVar[str] = "orders.replacement.created.v1"

    claim_id: str
    order_id: str = Field(description="the order that was paid")
    item_id: str
    replacement_order_id: str
    number: str
    created_at: AwareDatetime


class ReplacementRefused(Contract):
    """A claim's replacement cannot be sent."""

    TYPE: ClassVar[str] = "orders.replacement.refused.v1"

    claim_id: str
    order_id: str
    item_id: str
    reason: str = Field(description="a stable code, such as sold-out or person-erased")
    refused_at: AwareDatetime


class OrderClaimed(Contract):
    """A guest's order became that of an account, whose owner has proven the guest's address."""

    TYPE: ClassVar[str] = "orders.order.claimed.v1"

    order_id: str
    claimed_at: AwareDatetime
    buyer: Sealed
    """`Buyer`, with `account_id`, sealed to warranty."""


class GuestOrder(BaseModel):
    """One order of the mail that finds a guest's orders again; travels only inside a sealed box."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    number: str
    placed_at: AwareDatetime
    link: str


class GuestOrders(BaseModel):
    """Whom the mail is for, and the links in it; travels only inside a sealed box."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    email: str
    orders: tuple[GuestOrder, ...]


class LinkRequested(Contract):
    """Somebody asked for the links to a guest's orders. They go to the address of these orders and nowhere else."""

    TYPE: ClassVar[str] = "orders.link.requested.v1"

    request_id: str
    language: str = "en"
    requested_at: AwareDatetime
    expires_at: AwareDatetime
    recipient: Sealed
    """`GuestOrders`, sealed to mailer."""


class WithdrawalReceived(Contract):
    """A buyer has withdrawn from the contract (Directive 2011/83/EU article 11a): to be acknowledged by mail."""

    TYPE: ClassVar[str] = "orders.withdrawal.received.v1"

    order_id: str
    number: str
    received_at: AwareDatetime
    language: str = "en"
    currency: str
    refund_minor: int
    must_return: bool = Field(description="the parcel was on its way or there; the refund follows its return")
    is_back: bool = Field(default=False, description="the goods had come back before; the refund follows at once")
    recipient: Sealed
    """`Notified`, sealed to mailer."""


class PersonExported(persons.PersonExported):
    """What orders holds about a person."""

    TYPE: ClassVar[str] = "orders.person.exported.v1"


class PersonErased(persons.PersonErased):
    """Orders has forgotten a person; facts of purchases stay without identity."""

    TYPE: ClassVar[str] = "orders.person.erased.v1"


class AccessRecorded(persons.AccessRecorded):
    """Somebody of the staff has seen personal data at orders."""

    TYPE: ClassVar[str] = "orders.access.recorded.v1"


CONTRACTS: tuple[type[Contract], ...] = (
    PurchaseCompleted,
    OrderShipped,
    OrderDelivered,
    OrderCancelled,
    RefundCompleted,
    RefundRefused,
    ReplacementCreated,
    ReplacementRefused,
    OrderClaimed,
    LinkRequested,
    WithdrawalReceived,
    PersonExported,
    PersonErased,
    AccessRecorded,
)
