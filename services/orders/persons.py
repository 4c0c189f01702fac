"""What is kept of a person: who buys and where the parcel goes. Refusals never repeat what was sent."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from services.orders.addressforms import ANY_FORM, AddressForm, form_of
from services.orders.checkout.shipping import countries
from shared.addresses import Email, PersonName
from shared.cardlike import holds_card_number, may_hold_card_number
from shared.http.routes import RequestModel
from shared.personal import BlindIndex
from shared.secrets import hidden_error

_LONGEST_LINE = 120
_POSTCODE = re.compile(r"[0-9A-Z](?:[0-9A-Z -]{0,14}[0-9A-Z])?")


def no_card_number(text: str) -> str:
    """For a validator: the text itself, unless a card number stands in it."""
    if holds_card_number(text):
        raise hidden_error("looks-like-card-number", "looks like a card number: that belongs into the card field only")
    return text


def _address_line(text: str) -> str:
    line = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(line) <= _LONGEST_LINE:
        raise hidden_error("invalid-address-line", f"must have 1 to {_LONGEST_LINE} characters")
    if "=?" in line or any(unicodedata.category(char)[0] == "C" or char in "\u2028\u2029" for char in line):
        raise hidden_error("invalid-address-line", "must not contain control characters or =?")
    return line


def _postcode(text: str) -> str:
    if not text:
        return ""
    code = unicodedata.normalize("NFKC", text).strip().removeprefix("〒").strip().upper()
    if not _POSTCODE.fullmatch(code):
        raise hidden_error("invalid-postcode", "must be a postcode: letters, digits, spaces and dashes")
    return code


def _country(text: str) -> str:
    if text not in countries():
        raise hidden_error("unknown-country", "must be an ISO 3166-1 alpha-2 code such as JP")
    return text


Line = Annotated[str, AfterValidator(_address_line), AfterValidator(no_card_number)]
OptionalLine = Line | None
Postcode = Annotated[str, Field(max_length=32), AfterValidator(_postcode), AfterValidator(no_card_number)]
Country = Annotated[str, Field(min_length=2, max_length=2), AfterValidator(_country)]


class Contact(RequestModel):
    """Who buys."""

    name: PersonName
    email: Email


class ShippingAddress(RequestModel):
    """Where to, by the form of its country (`addressforms`)."""

    country: Country
    line1: Line
    line2: OptionalLine = None
    city: Line
    region: OptionalLine = Field(default=None, validate_default=True)
    """By code or name; may be left out where the postcode tells it."""
    postcode: Postcode = Field(default="", validate_default=True)
    """Empty where the country has none."""

    @field_validator("region")
    @classmethod
    def _of_the_country(cls, region: str | None, info: ValidationInfo) -> str | None:
        form = _form(info)
        if region is None:
            if form.needs_region:
                raise hidden_error("region-required", "is needed for a delivery to this country")
            return None
        found = form.region(region)
        if found is None:
            raise hidden_error("unknown-region", "is no region, prefecture or state of this country")
        return found

    @field_validator("postcode")
    @classmethod
    def _as_the_country_has_them(cls, postcode: str, info: ValidationInfo) -> str:
        form = _form(info)
        if not postcode and form.needs_postcode:
            raise hidden_error("postcode-required", f"is needed for this country: {form.example}")
        found = form.postcode(postcode) if postcode else ""
        if found is None:
            raise hidden_error("invalid-postcode", f"is no postcode of this country, which look like {form.example}")
        return found

    @field_validator("line2", "city", "region", "postcode")
    @classmethod
    def _no_card_number_over_two_lines(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text:
            above = [info.data.get(name) or "" for name in ("line1", "line2", "city", "region")]
            lines = " ".join([*above, text])
            if may_hold_card_number(lines):  # the cheaper question: each line alone has passed already
                no_card_number(lines)
        return text


def _form(info: ValidationInfo) -> AddressForm:
    country = info.data.get("country")
    return form_of(country) if country else ANY_FORM  # an unknown country is a fault of its own


def contact_key(index: BlindIndex, email: str) -> str:
    """The keyed hash by which a guest's orders are found again; one for all spellings that differ in case.

    `email` is one that `Email` has let pass.
    """
    return index.of("guest-address", email.casefold())
