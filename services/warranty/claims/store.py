"""What claims ask of their store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.warranty.claims.deadlines import Due
from services.warranty.claims.domain import Claim
from services.warranty.claims.steps import Status
from shared import base64url
from shared.events import Event
from shared.http.paging import unknown_cursor

COLLECTION = "claims"
"""Where claims are kept; sealed fields are bound to this name."""
SPANS_DAYS = (1, 3, 7, 14)
"""Resolved within so many days: what the desk's chart distinguishes."""
MOST_FIGURED = 1000
"""Figures count no further: so many are "that many, or more"."""


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """A position in the desk's queue: the claim after which the next page begins."""

    due_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What the desk may see of all claims: numbers only, none above `MOST_FIGURED`. Times in seconds.

    `resolved` and the median are of the newest of the span.
    """

    by_status: dict[str, int]
    waiting: int
    overdue: int
    resolved: int
    median_resolution_s: float
    by_duration: tuple[int, ...] = (0,) * (len(SPANS_DAYS) + 1)
    """How many of the resolved took how long: one count for each of `SPANS_DAYS`, and one for longer."""


class Claims(Protocol):
    """Claims, each changed by conditional writes that carry its events."""

    async def add(self, claim: Claim, events: Sequence[Event]) -> None:
        """Store a new claim with what it announces. Durable on return.

        Raises:
            ClaimOpen: the item has an open claim.
        """
        ...

    async def save(self, claim: Claim, events: Sequence[Event]) -> Claim | None:
        """Store the next state of a claim, unless somebody has written since it was read; then None. Durable."""
        ...

    async def find(self, claim_id: str) -> Claim | None:
        """A claim."""
        ...

    async def of_number(self, number: str) -> Claim | None:
        """The claim of this number."""
        ...

    async def of_holder(self, holder_key: str, *, before: str, limit: int) -> list[Claim]:
        """At most `limit` claims of a holder, newest first, from behind the claim `before` on."""
        ...

    async def of_purchase(self, purchase_id: str) -> list[Claim]:
        """Every claim for an item, oldest first."""
        ...

    async def count_earlier(self, holder_key: str, purchase_id: str, *, most: int) -> int:
        """How many claims a holder has or an item had, each once; not counted further than `most`."""
        ...

    async def oldest(self, *, behind: str, limit: int) -> list[Claim]:
        """At most `limit` claims of anybody, oldest first, from behind the claim `behind` on."""
        ...

    async def queue(self, *, after: QueuePosition | None, limit: int, status: Status | None = None) -> list[Claim]:
        """Open claims that wait for staff, or those of one status, by when they are due."""
        ...

    async def due(self, moment: datetime, *, limit: int) -> list[Claim]:
        """Open claims with a deadline, a reminder or an answer that is due by then."""
        ...

    async def figures(self, since: datetime) -> Figures:
        """Counts of all claims, and how long those took that were resolved since then; cheap however many there are."""
        ...

    async def by_deadline(self, now: datetime) -> dict[tuple[str, Due], int]:
        """How many open claims have each deadline before them or behind them, by its name and how near it is."""
        ...

    async def count_of_holder(self, holder_key: str) -> int:
        """How many claims a holder has."""
        ...

    async def hand_over(self, holder_key: str, claims: Sequence[Claim]) -> None:
        """Give a guest's claims to the account with this key; they are sealed anew by the caller. Durable on return.

        Raises:
            TransientError: one was written meanwhile; the same call with what it is now completes it.
        """
        ...

    async def forget(self, holder_key: str) -> None:
        """Cut a holder off from their claims, and drop what only they could have said. Durable on return."""
        ...


def write_position(claim: Claim) -> str:
    """The place of a claim in the queue, as a cursor."""
    text = f"{claim.clock.resolve_by.isoformat()} {claim.id}"
    return base64url.encode(text.encode())


def read_position(cursor: str) -> QueuePosition | None:
    """The place in a cursor; none in an empty one.

    Raises:
        InvalidInput: nobody here has written it.
    """
    if not cursor:
        return None
    try:
        at, _, claim_id = base64url.decode(cursor).decode("ascii").partition(" ")
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise unknown_cursor() from None
    if moment.tzinfo is None or not claim_id:
        raise unknown_cursor()
    return QueuePosition(moment, claim_id)
