"""Where an order may stand, and which steps lead from where to where.

    charging -> needs_action -> in_review -> paid -> in_preparation -> shipped -> delivered -> returned -> refunded

Each may also be left out or end otherwise, as `LEGAL` has it. What became of the money is said by `payments.domain`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.errors import DomainError, ErrorKind
from shared.identity import Identity


class Status(StrEnum):
    """Where an order stands."""

    CHARGING = "charging"  # stored; the provider may or may not have been asked
    NEEDS_ACTION = "needs_action"  # the buyer's bank wants to see the buyer (3-D Secure)
    IN_REVIEW = "in_review"  # the money is set aside, not taken; somebody looks at it first
    PAID = "paid"
    IN_PREPARATION = "in_preparation"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"  # all of it, after shipping
    DECLINED = "declined"  # the provider said no; kept, for the same key gets the same answer
    FAILED = "failed"  # it was made sure that nothing was charged or ever will be


OPEN = frozenset({Status.CHARGING, Status.NEEDS_ACTION, Status.IN_REVIEW})
"""Nobody knows yet whether it becomes a purchase: its units are held, its charge has not ended."""
WAITING = OPEN - {Status.CHARGING}
"""The charge has begun, and how it stands may change at the provider without us."""
VAIN = frozenset({Status.DECLINED, Status.FAILED})
"""Attempts that came to nothing."""
PLACED = frozenset({Status.IN_REVIEW, Status.PAID, Status.IN_PREPARATION})
"""Whatever is more than an attempt has been one of these: money was set aside or taken, or a claim asked for it."""
TO_BE_SENT = frozenset({Status.PAID, Status.IN_PREPARATION})
"""Somebody has to pack it."""
LEGAL: Mapping[Status, frozenset[Status]] = {
    Status.CHARGING: frozenset({
        Status.NEEDS_ACTION, Status.IN_REVIEW, Status.PAID, Status.DECLINED, Status.FAILED,
    }),
    Status.NEEDS_ACTION: frozenset({
        Status.IN_REVIEW, Status.PAID, Status.DECLINED, Status.FAILED, Status.CANCELLED,
    }),
    Status.IN_REVIEW: frozenset({Status.PAID, Status.CANCELLED}),
    Status.PAID: frozenset({Status.IN_PREPARATION, Status.SHIPPED, Status.CANCELLED}),
    Status.IN_PREPARATION: frozenset({Status.SHIPPED, Status.CANCELLED}),
    Status.SHIPPED: frozenset({Status.DELIVERED, Status.RETURNED, Status.REFUNDED}),
    Status.DELIVERED: frozenset({Status.RETURNED, Status.REFUNDED}),
    Status.RETURNED: frozenset({Status.REFUNDED}),
    Status.CANCELLED: frozenset(),
    Status.REFUNDED: frozenset(),
    Status.DECLINED: frozenset(),
    Status.FAILED: frozenset(),
}  # fmt: skip


class IllegalStep(DomainError):
    """The order does not stand where this could be done."""

    kind = ErrorKind.CONFLICT
    code = "illegal-step"

    def __init__(self, standing: Status, wanted: Status) -> None:
        super().__init__(f"An order that is {standing.value} cannot become {wanted.value}.")


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an order's timeline.

    `by` is "buyer", "shop" (a sweep, a rule, an event), or "staff:<account id>". `note` names facts, never persons.
    """

    status: Status
    at: datetime
    by: str
    note: str = ""


def staff(who: Identity) -> str:
    """A member of the staff, as the timeline names one."""
    return f"staff:{who.subject}"


def refuse_illegal(standing: Status, wanted: Status) -> None:
    """Let legal steps pass.

    Raises:
        IllegalStep: there is no such step.
    """
    if wanted not in LEGAL[standing]:
        raise IllegalStep(standing, wanted)
