"""What checkout and the sweep need of a payment provider. The order's id is the idempotency key of its charge."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.secrets import CardCode, CardNumber


class Outcome(StrEnum):
    """What became of a charge, for ever."""

    PAID = "paid"
    DECLINED = "declined"
    VOIDED = "voided"  # nothing was charged, and a charge under this id can no longer succeed


@dataclass(frozen=True, slots=True)
class Card:
    """A card for the length of one call; its parts are `Secret`s where they must be."""

    number: CardNumber
    code: CardCode
    expiry: str
    holder: str


@dataclass(frozen=True, slots=True)
class Charge:
    """An entry of the provider's ledger. It never holds a digit of the card."""

    order_id: str
    amount_minor: int
    currency: str
    outcome: Outcome
    reason: str
    charged_at: datetime


class Provider(Protocol):
    """Charges a card at most once for each order id, whatever is retried."""

    async def charge(self, order_id: str, *, amount_minor: int, currency: str, card: Card) -> Charge:
        """Charge, or say what became of this order's charge before.

        A call that is cancelled, or that ends with any error, has an unknown outcome: it may have been charged, or
        may be later, until `lookup` or `void` say otherwise.
        """

    async def lookup(self, order_id: str) -> Charge | None:
        """What became of the order's charge; `None` where the provider knows nothing of it *yet*."""

    async def void(self, order_id: str) -> Charge:
        """Make sure that no charge can still arrive under this id, and say how the id ended.

        A charge that was made or declined before stays as it is and is returned; otherwise the id is voided.
        """
