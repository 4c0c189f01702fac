"""What a customer sends to buy something. Errors name the field and never repeat what was sent."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from services.orders.checkout.card import is_plausible
from services.orders.persons import Contact, ShippingAddress
from shared.addresses import PersonName
from shared.http.routes import RequestModel
from shared.secrets import CardCode, CardNumber, hidden_error

MAX_LINES = 20
MAX_QUANTITY = 10


def _check_digit(number: CardNumber) -> CardNumber:
    if not is_plausible(number):
        raise hidden_error("invalid-card-number", "is no card number: a digit is wrong")
    return number


Currency = Literal["JPY", "USD", "EUR", "GBP"]
Language = Literal["en", "ja", "de"]


class LineRequest(RequestModel):
    """One product and how many of it."""

    sku: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]


class CardRequest(RequestModel):
    """The card that pays; number and code exist for the length of one charge."""

    number: Annotated[CardNumber, AfterValidator(_check_digit)]
    expiry: Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-2])/[0-9]{2}$")]
    cvc: CardCode
    holder: PersonName


class CheckoutRequest(RequestModel):
    """`POST /api/orders`. Prices are the shop's: there is no field for them."""

    lines: Annotated[tuple[LineRequest, ...], Field(min_length=1, max_length=MAX_LINES)]
    currency: Currency
    contact: Contact
    shipping: ShippingAddress
    card: CardRequest
    newsletter: bool = False
    language: Language | None = None
    quote: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    """A quote's id: the purchase costs what it says."""
