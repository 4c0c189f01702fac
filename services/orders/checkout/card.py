"""Rules about card numbers: which are refused, what of one may be kept, and where one must not stand.

What may be kept is decided here alone: brand, first six, last four, expiry and holder. Nothing is derived from the
whole number, a keyed hash included: with the rest known it would be the number.
"""

from dataclasses import dataclass
from datetime import datetime

import orjson
from stdnum import luhn

from shared.cardlike import brand_of
from shared.errors import FieldError, InvalidInput
from shared.secrets import CardNumber

_YEARS_AHEAD = 20


@dataclass(frozen=True, slots=True)
class Ending:
    """What is shown of a card, to its owner alone."""

    brand: str
    last4: str

    def encode(self) -> bytes:
        """The plain form to be sealed."""
        return orjson.dumps([self.brand, self.last4])

    @classmethod
    def decode(cls, plain: bytes) -> "Ending":
        """Read `encode`'s form."""
        return cls(*orjson.loads(plain))


@dataclass(frozen=True, slots=True)
class KeptCard:
    """All of a card that outlives its charge, and that only sealed."""

    brand: str
    first6: str
    last4: str
    expiry: str
    holder: str

    def __repr__(self) -> str:
        return "KeptCard(hidden)"

    def encode(self) -> bytes:
        """The plain form to be sealed."""
        return orjson.dumps([self.brand, self.first6, self.last4, self.expiry, self.holder])

    @classmethod
    def decode(cls, plain: bytes) -> "KeptCard":
        """Read `encode`'s form."""
        return cls(*orjson.loads(plain))

    @property
    def ending(self) -> Ending:
        """What its owner may see."""
        return Ending(self.brand, self.last4)

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
