"""Rules about card numbers: which are refused, what of one may be kept, and where one must not stand.

What may be kept is decided here alone: brand, first six, last four, expiry and holder. Nothing is derived from the
whole number, a keyed hash included: with the rest known it would be the number.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

import orjson
from stdnum import luhn

from shared.errors import FieldError, InvalidInput
from shared.secrets import CardNumber

_YEARS_AHEAD = 20
_SHORTEST, _LONGEST = 13, 19
# Digits with at most three other signs between them: "4242 4242", "4242-4242", "4242 - 4242".
_RUN = re.compile(rf"\d(?:[^\w]{{0,3}}\d){{{_SHORTEST - 1},}}")


@dataclass(frozen=True, slots=True)
class KeptCard:
    """All of a card that outlives its charge, and that only sealed."""

    brand: str
    first6: str
    last4: str
    expiry: str
    holder: str

    def encode(self) -> bytes:
        """The plain form to be sealed."""
        return orjson.dumps([self.brand, self.first6, self.last4, self.expiry, self.holder])

    @classmethod
    def decode(cls, plain: bytes) -> "KeptCard":
        """Read `encode`'s form."""
        return cls(*orjson.loads(plain))

    @property
    def recognised_by(self) -> str:
        """What the fingerprint is made of."""
        return f"{self.first6}|{self.last4}|{self.expiry}"


def keep(number: CardNumber, *, expiry: str, holder: str) -> KeptCard:
    """The part of a card that may be kept."""
    return KeptCard(brand_of(number.first6), number.first6, number.last4, expiry, holder)


def is_plausible(number: CardNumber) -> bool:
    """Whether the number passes its check digit (ISO/IEC 7812-1, Luhn)."""
    return luhn.is_valid(number.reveal())


def refuse_expired(expiry: str, *, now: datetime) -> None:
    """A card (`expiry` as "MM/YY") is good until the end of its month, wherever that ends last.

    Raises:
        InvalidInput: field `/card/expiry`.
    """
    month, year = int(expiry[:2]), 2000 + int(expiry[3:])
    this_month = (now.year, now.month) if now.day > 1 or now.hour >= 12 else _month_before(now)
    if (year, month) < this_month:
        raise InvalidInput(fields=[FieldError("/card/expiry", "card-expired", "This card has expired.")])
    if year > now.year + _YEARS_AHEAD:
        raise InvalidInput(fields=[FieldError("/card/expiry", "invalid-expiry", "No card is good for so long.")])


def _month_before(now: datetime) -> tuple[int, int]:
    # UTC-12 is the last place where yesterday is still today.
    return (now.year, now.month - 1) if now.month > 1 else (now.year - 1, 12)


def holds_card_number(text: str) -> bool:
    """Whether some 13 to 19 digits in a row pass the check digit, whatever script, spaces or dashes they come in."""
    plain = unicodedata.normalize("NFKC", text)
    return any(_holds_number(_digits_of(run.group())) for run in _RUN.finditer(plain))


def poses_as_card_number(key: str) -> bool:
    """Whether the digits of a key are one card number. Random keys have longer runs of digits, and other digits too."""
    run = _RUN.search(key)
    digits = _digits_of(key)
    return run is not None and _digits_of(run.group()) == digits and len(digits) <= _LONGEST and luhn.is_valid(digits)


def _digits_of(run: str) -> str:
    return "".join(str(unicodedata.decimal(char)) for char in run if char.isdecimal())


def _holds_number(digits: str) -> bool:
    return any(
        luhn.is_valid(digits[start : start + length])
        for length in range(_SHORTEST, min(_LONGEST, len(digits)) + 1)
        for start in range(len(digits) - length + 1)
    )


def brand_of(first6: str) -> str:
    """The card scheme, by the issuer's part of the number (ISO/IEC 7812); "card" where it is none of these."""
    for brand, ranges in _BRANDS:
        for lowest, highest in ranges:
            if lowest <= first6[: len(lowest)] <= highest:
                return brand
    return "card"


_BRANDS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("visa", (("4", "4"),)),
    ("mastercard", (("51", "55"), ("2221", "2720"))),
    ("amex", (("34", "34"), ("37", "37"))),
    ("jcb", (("3528", "3589"),)),
    ("discover", (("6011", "6011"), ("644", "649"), ("65", "65"))),
    ("diners", (("300", "305"), ("36", "36"), ("38", "39"))),
    ("unionpay", (("62", "62"),)),
)
