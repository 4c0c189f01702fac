"""What checkout, order life and the sweeps need of a payment provider.

The order's id is the idempotency key of its charge, a refund's id that of the refund: whatever is asked again is done
once. Every call may end with a `TransientError`; its outcome is then unknown until the provider is asked.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.errors import DomainError, ErrorKind
from shared.secrets import CardCode, CardNumber


class Outcome(StrEnum):
    """What became of a charge. Paid, declined and voided are for ever."""

    PAID = "paid"  # captured
    AUTHORISED = "authorised"  # set aside; `capture` or `void` end it
    NEEDS_ACTION = "needs_action"  # the buyer has to follow `action_url`; `lookup` tells how that went
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
class ChargeRequest:
    """What is to be charged.

    `capture` false only sets the money aside; `return_url` is where the buyer's bank sends the buyer back to.
    """

    order_id: str
    amount_minor: int
    currency: str
    capture: bool = True
    return_url: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """What the provider knows of an order's charge. It never holds a digit of the card.

    `capture` says whether the money is taken once the bank agrees, or only set aside; `reference` is the provider's own
    name for the charge.
    """

    order_id: str
    amount_minor: int
    currency: str
    outcome: Outcome
    reason: str
    charged_at: datetime
    action_url: str = ""
    refunded_minor: int = 0
    capture: bool = True
    reference: str = ""


class RefundRefused(DomainError):
    """The provider will not pay this refund, whatever is asked again; `reason` is its stable code."""

    kind = ErrorKind.CONFLICT
    code = "refund-refused"

    def __init__(self, reason: str) -> None:
        super().__init__("The payment provider refuses this refund.")
        self.reason = reason


class Provider(Protocol):
    """Charges a card at most once for each order id, and refunds at most once for each refund id."""

    async def charge(self, wanted: ChargeRequest, *, card: Card) -> Charge:
        """Charge, or say what became of this order's charge before.

        A call that is cancelled, or that ends with any error, has an unknown outcome: it may have been charged, or
        may be later, until `lookup` or `void` say otherwise.
        """

    async def lookup(self, order_id: str) -> Charge | None:
        """What became of the order's charge; `None` where the provider knows nothing of it *yet*.

        Raises:
            TransientError: the provider has begun and does not know the end of it itself.
        """

    async def void(self, order_id: str) -> Charge:
        """Make sure that no money is taken under this id any more, and say how the id ended.

        A charge that was captured or declined before stays as it is and is returned; otherwise the id is voided.
        """

    async def capture(self, order_id: str) -> Charge:
        """Take what was set aside, once; a charge that is not set aside stays as it is and is returned.

        Raises:
            TransientError: unknown, or there is no such charge; the same may be asked again.
        """

    async def refund(self, order_id: str, refund_id: str, *, amount_minor: int) -> None:
        """Pay back, once for each refund id.

        Raises:
            RefundRefused: it is certain that this refund is not paid and never will be.
            TransientError: unknown; the same refund may be asked again.
        """

    async def sent_back(self, reference: str, refund_id: str) -> str:
        """The order one of whose refunds was taken on and not paid in the end; "" where none was, or none of ours.

        `reference` is the provider's name for the charge.
        """

    def charges(self, *, since: datetime | None = None) -> AsyncIterator[Charge]:
        """The provider's ledger, or what began in it from `since` on, for reconciliation: newest first, by and large.

        What the provider is still working on may be missing. A charge that is none of ours has no `order_id`.
        """
