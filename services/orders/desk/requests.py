"""What support sends. Refusals name the field and never repeat what was sent; no field takes a card number."""

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from services.orders.life.steps import Status
from shared.cardlike import holds_card_number, may_hold_card_number
from shared.http.paging import PageQuery
from shared.http.routes import RequestModel
from shared.secrets import hidden_error

_SERIAL = re.compile(r"[0-9A-Z](?:[0-9A-Z-]{2,30}[0-9A-Z])", re.ASCII)
_TRACKING = re.compile(r"[0-9A-Z](?:[0-9A-Z -]{2,38}[0-9A-Z])", re.ASCII)
_MOST_CARRIER = 40


def _no_card_number(text: str) -> str:
    if holds_card_number(text):
        raise hidden_error("looks-like-card-number", "looks like a card number, which belongs into no other field")
    return text


def _serial(text: str) -> str:
    serial = unicodedata.normalize("NFKC", text[:80]).strip().upper()
    if not _SERIAL.fullmatch(serial) or may_hold_card_number(serial):
        raise hidden_error("invalid-serial", "must be 4 to 32 letters, digits and dashes, and not 13 digits in a row")
    return serial


def _tracking(text: str) -> str:
    number = unicodedata.normalize("NFKC", text[:80]).strip().upper()
    if not _TRACKING.fullmatch(number):
        raise hidden_error("invalid-tracking", "must be 4 to 40 letters, digits, spaces and dashes")
    return number


def _carrier(text: str) -> str:
    name = unicodedata.normalize("NFC", text[:200]).strip()
    is_plain = all(char == " " or char.isalnum() or char in "&.-+'/" for char in name)
    if not 1 <= len(name) <= _MOST_CARRIER or not is_plain:
        raise hidden_error("invalid-carrier", f"must be the carrier's name, of at most {_MOST_CARRIER} characters")
    return name


Serial = Annotated[str, AfterValidator(_serial), AfterValidator(_no_card_number)]
ItemId = Annotated[str, Field(max_length=80)]


class ShipmentRequest(RequestModel):
    """A parcel."""

    carrier: Annotated[str, AfterValidator(_carrier), AfterValidator(_no_card_number)]
    tracking: Annotated[str, AfterValidator(_tracking), AfterValidator(_no_card_number)]
    serials: Annotated[dict[ItemId, Serial], Field(max_length=200)] = Field(default_factory=dict)
    """Serial numbers by the unit's `item_id`; the shop makes those that are left out."""


class RefundRequest(RequestModel):
    """Money to go back, in minor units of the order's currency."""

    amount_minor: Annotated[int, Field(ge=1, le=2**53)]
    reason: Literal["goodwill", "defect", "return", "price", "other"] | None = None


class DeskQuery(PageQuery):
    """Which orders."""

    number: Annotated[str, Field(max_length=40)] = ""
    """As it stands in the receipt, in whatever case."""
    status: Status | None = None
    attention: bool = False
    """Only those where the payment provider has refused a refund."""
