"""By when a claim is to be answered and resolved: business days of the shop, without its country's holidays.

A reminder goes out half a business day before a deadline, in the shop's time. What was missed is noted once, counted,
and announced.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from services.warranty.claims.domain import Claim, Deadlines, Progress
from services.warranty.claims.steps import Status

FIRST_ANSWER_DAYS = 2
RESOLUTION_DAYS = 10
CLOSES_AT = time(18, 0)
"""The end of a business day, in the shop's time zone."""
REMINDED_BEFORE = timedelta(hours=4)
FIRST_ANSWER, RESOLUTION = "first_answer", "resolution"
A_DAY = timedelta(days=1)
THEIR_TURN = (Status.MORE_INFORMATION_NEEDED, Status.WAITING_FOR_ITEM)
"""While the claimant is asked for something, the clock is theirs: those business days are added to the resolution's."""
IsHoliday = Callable[[date], bool]


class Due(StrEnum):
    """How near a deadline is."""

    OVERDUE = "overdue"
    WITHIN_A_DAY = "within-a-day"
    LATER = "later"


def deadlines_of(opened_at: datetime, *, zone: tzinfo, is_holiday: IsHoliday) -> Deadlines:
    """The deadlines of a claim that was opened at this moment."""
    return Deadlines(
        first_answer_by=business_days_after(opened_at, FIRST_ANSWER_DAYS, zone=zone, is_holiday=is_holiday),
        resolve_by=business_days_after(opened_at, RESOLUTION_DAYS, zone=zone, is_holiday=is_holiday),
    )


def business_days_after(moment: datetime, days: int, *, zone: tzinfo, is_holiday: IsHoliday) -> datetime:
    """The end of the `days`-th business day after that of the moment, which itself does not count.

    So counts Regulation (EEC, Euratom) No 1182/71, article 3(1): the day of the event is not part of the period.
    """
    day = moment.astimezone(zone).date()
    while days:
        day += timedelta(days=1)
        if day.weekday() < 5 and not is_holiday(day):
            days -= 1
    return datetime.combine(day, CLOSES_AT, tzinfo=zone)


def business_days_between(since: datetime, until: datetime, *, zone: tzinfo, is_holiday: IsHoliday) -> int:
    """How many business days have begun after that of `since`, until that of `until`, which counts."""
    day, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    days = 0
    while day < last:
        day += A_DAY
        days += day.weekday() < 5 and not is_holiday(day)
    return days


def resumed(before: Claim, after: Claim, *, zone: tzinfo, is_holiday: IsHoliday) -> Claim:
    """The claim `after` a step, with the business days that it had waited for its claimant `before` it given back."""
    steps = after.history[len(before.history) :]
    if before.status not in THEIR_TURN or not steps or not after.is_open:
        return after
    waited = business_days_between(before.history[-1].at, steps[0].at, zone=zone, is_holiday=is_holiday)
    if not waited:
        return after
    clock = after.clock
    by = business_days_after(clock.resolve_by, waited, zone=zone, is_holiday=is_holiday)
    reminded = tuple(name for name in clock.reminded if name != RESOLUTION)
    return replace(after, clock=replace(clock, resolve_by=by, reminded=reminded))


def open_deadlines(claim: Claim) -> dict[str, datetime]:
    """What is still to be done, and by when."""
    if not claim.is_open:
        return {}
    clock = claim.clock
    found = {} if clock.answered_at else {FIRST_ANSWER: clock.first_answer_by}
    if claim.status not in THEIR_TURN:
        found[RESOLUTION] = clock.resolve_by
    return found


def is_due_soon(claim: Claim) -> bool:
    """Whether a deadline that is still open was reminded of, and none was missed."""
    return not claim.clock.overdue and bool(set(open_deadlines(claim)) & set(claim.clock.reminded))


def due_of(by: datetime, *, now: datetime) -> Due:
    """How near a deadline is."""
    if by <= now:
        return Due.OVERDUE
    return Due.WITHIN_A_DAY if by <= now + A_DAY else Due.LATER


def next_look(claim: Claim) -> datetime | None:
    """When the sweep has to look at a claim again: a reminder, a deadline, or an answer that does not come."""
    moments: list[datetime] = []
    for name, by in open_deadlines(claim).items():
        if name not in claim.clock.reminded:
            moments.append(by - REMINDED_BEFORE)
        elif name not in claim.clock.overdue:
            moments.append(by)
    saga = claim.saga
    if claim.is_open and saga.due_at is not None and saga.progress in (Progress.REQUESTED, Progress.SENDING):
        moments.append(saga.due_at)
    return min(moments, default=None)
