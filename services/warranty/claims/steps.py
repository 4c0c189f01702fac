"""Where a claim may stand, and which steps lead from where to where.

    submitted -> under_review -> approved -> waiting_for_item -> received -> in_repair -> closed

A refund ends `refunded`, a replacement `replacement_sent`; both are closed by the same write. `LEGAL` has the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.errors import DomainError, ErrorKind
from shared.identity import Identity


class Status(StrEnum):
    """Where a claim stands."""

    SUBMITTED = "submitted"
    UNDER_REVIEW = "under_review"
    MORE_INFORMATION_NEEDED = "more_information_needed"
    APPROVED = "approved"  # what was decided is under way at orders, or waits for the item
    REJECTED = "rejected"
    WAITING_FOR_ITEM = "waiting_for_item"
    RECEIVED = "received"
    IN_REPAIR = "in_repair"
    REPLACEMENT_SENT = "replacement_sent"
    REFUNDED = "refunded"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


_S = Status
_DONE_AFTER_ALL = frozenset({_S.REPLACEMENT_SENT, _S.REFUNDED})
"""By orders, which had not answered for days: a person has decided the same again meanwhile, or asked for something."""
UNDECIDED = frozenset({_S.SUBMITTED, _S.UNDER_REVIEW, _S.MORE_INFORMATION_NEEDED})
ENDED = frozenset({_S.REJECTED, _S.CLOSED, _S.WITHDRAWN})
"""The item may be claimed again."""
LEGAL: Mapping[Status, frozenset[Status]] = {
    _S.SUBMITTED: frozenset({_S.UNDER_REVIEW, _S.MORE_INFORMATION_NEEDED, _S.APPROVED, _S.REJECTED, _S.WITHDRAWN}),
    _S.UNDER_REVIEW: frozenset({_S.MORE_INFORMATION_NEEDED, _S.APPROVED, _S.REJECTED, _S.WITHDRAWN}) | _DONE_AFTER_ALL,
    _S.MORE_INFORMATION_NEEDED: frozenset({_S.UNDER_REVIEW, _S.APPROVED, _S.REJECTED, _S.WITHDRAWN}) | _DONE_AFTER_ALL,
    _S.APPROVED: frozenset({_S.WAITING_FOR_ITEM, _S.REPLACEMENT_SENT, _S.REFUNDED, _S.UNDER_REVIEW, _S.WITHDRAWN}),
    _S.WAITING_FOR_ITEM: frozenset({_S.RECEIVED, _S.UNDER_REVIEW, _S.WITHDRAWN}) | _DONE_AFTER_ALL,
    _S.RECEIVED: frozenset({_S.IN_REPAIR, _S.APPROVED, _S.UNDER_REVIEW, _S.REJECTED}) | _DONE_AFTER_ALL,
    _S.IN_REPAIR: frozenset({_S.CLOSED, _S.UNDER_REVIEW}),
    _S.REPLACEMENT_SENT: frozenset({_S.CLOSED}),
    _S.REFUNDED: frozenset({_S.CLOSED}),
    _S.REJECTED: frozenset(),
    _S.CLOSED: frozenset(),
    _S.WITHDRAWN: frozenset(),
}  # fmt: skip
CUSTOMER, RULES, SHOP = "customer", "rules", "shop"
"""Who takes steps beside the staff: the buyer, the rules of `decisions`, and what happens by itself or by event."""


class IllegalStep(DomainError):
    """The claim does not stand where this could be done."""

    kind = ErrorKind.CONFLICT
    code = "illegal-step"

    def __init__(self, standing: Status, wanted: Status) -> None:
        super().__init__(f"A claim that is {standing.value} cannot become {wanted.value}.")


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a claim's history.

    `by` is "customer", "rules", "shop" or "staff:<account id>"; `why` is a stable code; `note` is what staff wrote,
    sealed under the claimant's key, or empty.
    """

    status: Status
    at: datetime
    by: str
    why: str = ""
    note: bytes = b""


def staff(who: Identity) -> str:
    """A member of the staff, as the history names one."""
    return f"staff:{who.subject}"
