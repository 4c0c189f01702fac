"""The stores of claims in memory, and a builder."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from services.warranty.claims.deadlines import (
    FIRST_ANSWER,
    RESOLUTION,
    Due,
    IsHoliday,
    deadlines_of,
    due_of,
    next_look,
    open_deadlines,
)
from services.warranty.claims.domain import Claim, ClaimOpen, Cover, Item, Problem, Remedy
from services.warranty.claims.steps import Status
from services.warranty.claims.store import MOST_FIGURED, SPANS_DAYS, Figures, QueuePosition
from shared.errors import TransientError
from shared.events import Event
from tests.unit.warranty.doubles import NOON, TOKYO

HOLIDAY = date(2026, 11, 23)
"""A Monday: Labour Thanksgiving Day."""


def is_holiday(day: date) -> bool:
    return day == HOLIDAY


class OneHoliday:
    """`Calendar` with one holiday."""

    async def holidays(self) -> IsHoliday:
        """See `Calendar`."""
        return is_holiday


def a_claim(id: str = "c-1", *, holder: str = "k-1", purchase: str = "o-1-1-1", at: datetime = NOON) -> Claim:
    """A claim as it is first stored."""
    return Claim(
        id=id,
        number=f"C-{id}",
        holder_key=holder,
        person_id="a-1",
        item=Item(purchase, "o-1", "7F3K-Q2XM", "kisai-rogue", "Kisai Rogue", "TF-1", "JP", 19800, "JPY"),
        problem=Problem.STOPPED,
        wanted=Remedy.REPAIR,
        words=b"sealed words",
        contact=b"sealed contact",
        language="en",
        cover=Cover(is_covered=True, since=date(2026, 11, 20), until=date(2027, 11, 20), rule="maker", rule_version=1),
        is_goodwill=False,
        opened_at=at,
        clock=deadlines_of(at, zone=ZoneInfo(TOKYO), is_holiday=is_holiday),
    ).begun(at=at)


@dataclass
class MemoryClaims:
    """`Claims` in a dictionary."""

    claims: dict[str, Claim] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    async def add(self, claim: Claim, events: Sequence[Event]) -> None:
        """See `Claims.add`."""
        if any(each.is_open and each.item.purchase_id == claim.item.purchase_id for each in self.claims.values()):
            raise ClaimOpen
        self.claims[claim.id] = claim
        self.events += events

    async def save(self, claim: Claim, events: Sequence[Event]) -> Claim | None:
        """See `Claims.save`."""
        if self.claims[claim.id].version != claim.version:
            return None
        self.claims[claim.id] = replace(claim, version=claim.version + 1)
        self.events += events
        return self.claims[claim.id]

    async def find(self, claim_id: str) -> Claim | None:
        """See `Claims.find`."""
        return self.claims.get(claim_id)

    async def of_number(self, number: str) -> Claim | None:
        """See `Claims.of_number`."""
        return next((each for each in self.claims.values() if each.number == number), None)

    async def of_holder(self, holder_key: str, *, before: str, limit: int) -> list[Claim]:
        """See `Claims.of_holder`."""
        found = [each for each in self.claims.values() if each.holder_key == holder_key and holder_key]
        found = [each for each in found if not before or each.id < before]
        return sorted(found, key=lambda each: each.id, reverse=True)[:limit]

    async def of_purchase(self, purchase_id: str) -> list[Claim]:
        """See `Claims.of_purchase`."""
        found = [each for each in self.claims.values() if each.item.purchase_id == purchase_id]
        return sorted(found, key=lambda each: each.id)

    async def count_earlier(self, holder_key: str, purchase_id: str, *, most: int) -> int:
        """See `Claims.count_earlier`."""
        found = [
            each
            for each in self.claims.values()
            if each.item.purchase_id == purchase_id or (holder_key and each.holder_key == holder_key)
        ]
        return min(len(found), most)

    async def oldest(self, *, behind: str, limit: int) -> list[Claim]:
        """See `Claims.oldest`."""
        return [self.claims[claim_id] for claim_id in sorted(self.claims) if claim_id > behind][:limit]

    async def queue(self, *, after: QueuePosition | None, limit: int, status: Status | None = None) -> list[Claim]:
        """See `Claims.queue`."""
        found = [each for each in self.claims.values() if (each.status is status if status else each.needs_staff)]
        found.sort(key=_place)
        if after is not None:
            found = [each for each in found if _place(each) > (after.due_at, after.id)]
        return found[:limit]

    async def due(self, moment: datetime, *, limit: int) -> list[Claim]:
        """See `Claims.due`."""
        looks = ((next_look(each), each) for each in self.claims.values())
        due = [(at, each) for at, each in looks if at is not None and at <= moment]
        return [each for _, each in sorted(due, key=lambda pair: pair[0])][:limit]

    async def figures(self, since: datetime) -> Figures:
        """See `Claims.figures`."""
        every = list(self.claims.values())
        took = sorted(
            at - each.opened_at
            for at, each in sorted(
                ((each.clock.resolved_at, each) for each in every if each.clock.resolved_at), key=lambda pair: pair[0]
            )[-MOST_FIGURED:]
            if at >= since
        )
        waiting = [each for each in every if each.needs_staff]
        return Figures(
            {
                status: min(count, MOST_FIGURED)
                for status, count in Counter(each.status.value for each in every).items()
            },
            min(len(waiting), MOST_FIGURED),
            min(sum(bool(each.clock.overdue) for each in waiting), MOST_FIGURED),
            len(took),
            (took[len(took) // 2] if took else timedelta()).total_seconds(),
            tuple(
                sum(timedelta(days=least) < each <= timedelta(days=most) for each in took)
                for least, most in pairwise((-1, *SPANS_DAYS, 100_000))
            ),
        )

    async def by_deadline(self, now: datetime) -> dict[tuple[str, Due], int]:
        """See `Claims.by_deadline`."""
        counts = {(name, due): 0 for name in (FIRST_ANSWER, RESOLUTION) for due in Due}
        for claim in self.claims.values():
            for name, by in open_deadlines(claim).items():
                counts[name, due_of(by, now=now)] += 1
        return counts

    async def count_of_holder(self, holder_key: str) -> int:
        """See `Claims.count_of_holder`."""
        return len(await self.of_holder(holder_key, before="", limit=10_000))

    async def hand_over(self, holder_key: str, claims: Sequence[Claim]) -> None:
        """See `Claims.hand_over`."""
        for claim in claims:
            if self.claims[claim.id].version != claim.version:
                raise TransientError("a claim is being changed")
            self.claims[claim.id] = replace(claim, holder_key=holder_key, version=claim.version + 1)

    async def forget(self, holder_key: str) -> None:
        """See `Claims.forget`."""
        for claim in await self.of_holder(holder_key, before="", limit=10_000):
            self.claims[claim.id] = replace(
                claim,
                holder_key="",
                person_id="",
                words=b"",
                contact=b"",
                history=tuple(replace(step, note=b"") for step in claim.history),
                messages=tuple(replace(each, text=b"") for each in claim.messages),
                photos=(),
                version=claim.version + 1,
                repair=replace(claim.repair, diagnosis=b""),
            )


@dataclass
class MemoryAccesses:
    """`Accesses` in a dictionary."""

    kept: dict[str, list[Event]] = field(default_factory=dict)

    async def add(self, access_id: str, claim_id: str, staff_id: str, events: list[Event]) -> None:
        """See `Accesses.add`."""
        self.kept.setdefault(access_id, events)


def _place(claim: Claim) -> tuple[datetime, str]:
    return claim.clock.resolve_by, claim.id
