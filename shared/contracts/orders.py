"""What orders announces."""

from typing import ClassVar

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

    Warranty gets `account_id`; mailer gets name, e-mail, the link to the order, and whether the box was ticked.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    account_id: str = ""
    name: str = ""
    email: str = ""
    order_link: str = ""
    newsletter: bool = False
    """The buyer ticked the newsletter box; mailer then asks for confirmation by mail."""


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
    buyer: Sealed
    """`Buyer`, sealed to mailer and to warranty."""


class PersonExported(persons.PersonExported):
    """What orders holds about a person."""

    TYPE: ClassVar[str] = "orders.person.exported.v1"


class PersonErased(persons.PersonErased):
    """Orders has forgotten a person; facts of purchases stay without identity."""

    TYPE: ClassVar[str] = "orders.person.erased.v1"


class AccessRecorded(persons.AccessRecorded):
    """Somebody of the staff has seen personal data at orders."""

    TYPE: ClassVar[str] = "orders.access.recorded.v1"


CONTRACTS: tuple[type[Contract], ...] = (PurchaseCompleted, PersonExported, PersonErased, AccessRecorded)
