"""Whether an item is covered on a day, for a problem: computed from facts and rules, never typed."""

from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

from services.warranty.coverage.rules import RULES, CoverageRules
from services.warranty.records.domain import PurchaseRecord, months_after

_ON_ITS_WAY = timedelta(days=14)
"""How long a parcel may take, where a rule counts from a delivery that nobody told us of: never to the buyer's cost."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the rules say of an item. Days are the shop's; both belong to the cover.

    `why` is a stable code where the item is not covered: `over`, `not-yet`, `cancelled`, `refunded`, or that of an
    exclusion. `until` is then the last day on which it was, for this problem.
    """

    since: date
    until: date
    rule: str
    rule_version: int
    extended_days: int = 0
    why: str = ""

    @property
    def is_covered(self) -> bool:
        """Whether a claim is one of the warranty."""
        return not self.why

    @property
    def allows_goodwill(self) -> bool:
        """Whether the staff may look at it all the same: not where the money has gone back already."""
        return self.why not in ("cancelled", "refunded")


def coverage_of(
    record: PurchaseRecord, on: date, *, zone: tzinfo, problem: str = "", rules: CoverageRules = RULES
) -> Coverage:
    """The cover of an item on a day; for one problem where one is named.

    It starts where its rule says, lasts the months of the record, and grows by the days that repairs took. A unit that
    replaced another goes on with the time that the other had left.
    """
    since = _start(record, zone, rules)
    until = months_after(since, record.months) + timedelta(days=record.extended_days)
    excluded = rules.excluded(problem) if problem else None
    why = _why_not(record, on, since, until)
    if excluded is not None and not why:
        last = months_after(since, excluded.after_months) if excluded.after_months else since - timedelta(days=1)
        if on > last:
            why, until = excluded.why, min(last, until)
    return Coverage(since, until, record.rule, record.rule_version, record.extended_days, why)


def _start(record: PurchaseRecord, zone: tzinfo, rules: CoverageRules) -> date:
    bought_on = record.purchased_at.astimezone(zone).date()
    rule = rules.named(record.rule, record.rule_version)
    if rule is None or rule.starts == "purchase":
        return bought_on
    if record.delivered_at is not None:
        return max(bought_on, record.delivered_at.astimezone(zone).date())
    if record.shipped_at is not None:
        return max(bought_on, (record.shipped_at + _ON_ITS_WAY).astimezone(zone).date())
    return bought_on


def _why_not(record: PurchaseRecord, on: date, since: date, until: date) -> str:
    if record.cancelled_at is not None:
        return "cancelled"
    if record.is_paid_back:
        return "refunded"
    # Before the start it is on its way, or there already although we were not told: covered all the same.
    return "over" if on > until else ""
