"""Rules tried on past claims, in the order in which they came, before they go live: counts, no person, no write."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from services.warranty.claims.decisions import (
    MANY_CLAIMS,
    ORDER_REFUNDED,
    REPEATED,
    SERIAL_DIFFERS,
    SERIAL_OF_ANOTHER,
    Case,
    ClaimRules,
)
from services.warranty.claims.domain import Claim
from services.warranty.claims.steps import RULES, Status
from services.warranty.deps import Deps

NO_RULE = "no-rule-fits"
_PAGE = 200


class Outcome(StrEnum):
    """What became of a claim."""

    BY_RULES = "approved by rules"
    AS_WANTED = "approved as wanted"
    OTHERWISE = "approved otherwise"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    UNDECIDED = "undecided"


@dataclass(slots=True)
class Report:
    """What the rules would have done with so many claims.

    `approved` by outcome and `by_rule` by rule and outcome count those that a rule fits; `escalated` and `by_reason`
    those that would have gone to the staff. `against` names, by number, what was rejected and a rule would have
    approved.
    """

    claims: int = 0
    approved: Counter[Outcome] = field(default_factory=Counter)
    escalated: Counter[Outcome] = field(default_factory=Counter)
    by_rule: dict[str, Counter[Outcome]] = field(default_factory=dict)
    by_reason: dict[str, Counter[Outcome]] = field(default_factory=dict)
    against: list[str] = field(default_factory=list)

    def add(self, rules: ClaimRules, case: Case) -> None:
        """Count one claim."""
        outcome, rule = outcome_of(case.claim), rules.approving(case)
        self.claims += 1
        if rule is None:
            self.escalated[outcome] += 1
            self.by_reason.setdefault(case.for_people or NO_RULE, Counter())[outcome] += 1
            return
        self.approved[outcome] += 1
        self.by_rule.setdefault(rule.name, Counter())[outcome] += 1
        if outcome is Outcome.REJECTED:
            self.against.append(case.claim.number)


@dataclass(slots=True)
class Earlier:
    """Counts the claims before one, as `Claims.count_earlier` would have then."""

    _holders: Counter[str] = field(default_factory=Counter)
    _items: Counter[str] = field(default_factory=Counter)
    _both: Counter[tuple[str, str]] = field(default_factory=Counter)

    def counted(self, claim: Claim) -> int:
        """How many there were before this one, which counts from now on."""
        holder, item = claim.holder_key, claim.item.purchase_id
        both = self._both[holder, item] if holder else 0
        earlier = self._items[item] + self._holders[holder] - both
        self._items[item] += 1
        if holder:
            self._holders[holder] += 1
            self._both[holder, item] += 1
        return earlier


async def dry_run(deps: Deps, rules: ClaimRules, *, days: float) -> Report:
    """Hold the rules against every claim of so many days. Earlier ones are only counted.

    Raises:
        TransientError: the database is away.
    """
    report, counts, since = Report(), Earlier(), deps.clock() - timedelta(days=days)
    async for claim in _every(deps):
        earlier = counts.counted(claim)
        if claim.opened_at >= since:
            on = claim.opened_at.astimezone(deps.settings.zone).date()
            report.add(rules, Case(as_opened(claim, earlier), on, earlier))
    return report


def as_opened(claim: Claim, earlier: int) -> Claim:
    """The claim with the flags that it had, or would have today, on the day when it was opened."""
    repeated = (REPEATED,) if earlier >= MANY_CLAIMS else ()
    others = tuple(flag for flag in claim.flags if flag in (ORDER_REFUNDED, SERIAL_OF_ANOTHER, SERIAL_DIFFERS))
    return replace(claim, flags=(*repeated, *others))


def outcome_of(claim: Claim) -> Outcome:
    """What became of a claim; one whose remedy failed, and that is to be decided anew, is undecided."""
    decision = claim.decision
    match claim.status:
        case Status.REJECTED:
            return Outcome.REJECTED
        case Status.WITHDRAWN:
            return Outcome.WITHDRAWN
    if decision is None:
        return Outcome.UNDECIDED
    if decision.by == RULES:
        return Outcome.BY_RULES
    return Outcome.AS_WANTED if decision.remedy is claim.wanted else Outcome.OTHERWISE


async def _every(deps: Deps) -> AsyncIterator[Claim]:
    behind = ""
    while page := await deps.claims.oldest(behind=behind, limit=_PAGE):
        for claim in page:
            yield claim
        behind = page[-1].id
