"""Rules tried on past orders, in the order in which they came, before they go live: counts, no person and no digit.

The only reader of the kept parts of cards: a card's country is looked up anew, so that a new table is tried as well.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.orders.deps import Deps
from services.orders.life.domain import Order
from services.orders.life.kept import open_card
from services.orders.life.steps import Status
from services.orders.screening.domain import Decision, Marks, Verdict
from services.orders.screening.issuers import Issuers
from services.orders.screening.replay import ReplayedTallies
from services.orders.screening.review import PURPOSE
from services.orders.screening.rules import Rules
from services.orders.screening.signals import Facts
from shared.personal import PersonErased, Tampered

_PAGE = 200
_UNPAID = frozenset({Status.CHARGING, Status.NEEDS_ACTION, Status.IN_REVIEW, Status.DECLINED, Status.FAILED})


@dataclass(frozen=True, slots=True)
class Past:
    """What a dry run keeps of an order. `was` is None where it was not screened."""

    number: str
    at: datetime
    marks: Marks
    account_id: str
    country: str
    card_country: str
    currency: str
    amount_minor: int
    was_declined: bool
    was_paid: bool
    was: Decision | None


@dataclass(slots=True)
class Report:
    """What the rules would have decided; `changes` names orders by number, for each pair of before and now."""

    orders: int = 0
    unreadable: int = 0
    decisions: Counter[Decision] = field(default_factory=Counter)
    before: Counter[Decision | None] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    changes: dict[tuple[Decision | None, Decision], list[str]] = field(default_factory=dict)
    paid_but_blocked: int = 0

    def add(self, past: Past, verdict: Verdict) -> None:
        """Count one order."""
        self.orders += 1
        self.decisions[verdict.decision] += 1
        self.before[past.was] += 1
        self.rules.update(hit.rule for hit in verdict.hits)
        if verdict.decision is not past.was:
            self.changes.setdefault((past.was, verdict.decision), []).append(past.number)
        if past.was_paid and verdict.decision is Decision.BLOCK:
            self.paid_but_blocked += 1


async def dry_run(deps: Deps, rules: Rules, issuers: Issuers, *, days: float) -> Report:
    """Hold the rules against every checkout of so many days, by the block list of today.

    Raises:
        TransientError: the database is away.
    """
    report, tallies = Report(), ReplayedTallies(await _blocked(deps))
    for past in await _past_orders(deps, issuers, report, since=deps.clock() - timedelta(days=days)):
        report.add(past, await _judge(rules, tallies, past))
        if past.was_declined:
            await tallies.count_decline(past.marks, at=past.at)
        if past.was_paid:
            tallies.count_paid(past.marks, past.account_id, past.amount_minor, past.currency, at=past.at)
    return report


async def _judge(rules: Rules, tallies: ReplayedTallies, past: Past) -> Verdict:
    await tallies.count_try(past.marks, at=past.at)
    return rules.judge(
        Facts(
            at=past.at,
            currency=past.currency,
            amount_minor=past.amount_minor,
            country=past.country,
            card_country=past.card_country,
            has_account=bool(past.account_id),
            seen=await tallies.look(past.marks, past.account_id, at=past.at),
        )
    )


async def _past_orders(deps: Deps, issuers: Issuers, report: Report, *, since: datetime) -> Sequence[Past]:
    """Oldest first. A replacement was no checkout."""
    found: list[Past] = []
    async for page in _pages(deps, since):
        countries = await asyncio.gather(*(_card_country(deps, issuers, order) for order in page))
        report.unreadable += countries.count(None)
        found += [_past(order, country) for order, country in zip(page, countries, strict=True)]
    return found[::-1]


async def _pages(deps: Deps, since: datetime) -> AsyncIterator[list[Order]]:
    behind = ""
    while page := await deps.orders.newest(before=behind, limit=_PAGE):
        yield [order for order in page if order.created_at >= since and order.replaces is None]
        if page[-1].created_at < since:
            return
        behind = page[-1].id


async def _card_country(deps: Deps, issuers: Issuers, order: Order) -> str | None:
    """None where the buyer was erased, or the card's key is another."""
    try:
        person = await deps.people.known(order.personal.person_id)
        return issuers.country_of(open_card(deps.keys, person, order, purpose=PURPOSE).first6)
    except (PersonErased, Tampered):
        return None


def _past(order: Order, card_country: str | None) -> Past:
    verdict = order.screening
    is_blocked = verdict is not None and verdict.decision is Decision.BLOCK
    return Past(
        number=order.number,
        at=order.created_at,
        marks=order.marks,
        account_id=order.account_id,
        country=order.country,
        card_country=card_country if card_country is not None else verdict.card_country if verdict else "",
        currency=order.currency,
        amount_minor=order.total_minor,
        was_declined=order.status is Status.DECLINED and not is_blocked,
        was_paid=order.status not in _UNPAID and order.payment.captured_minor > 0,
        was=verdict.decision if verdict else None,
    )


async def _blocked(deps: Deps) -> frozenset[str]:
    found: set[str] = set()
    behind = ""
    while page := await deps.blocks.entries(behind=behind, limit=_PAGE):
        found.update(block.id for block in page)
        behind = page[-1].id
    return frozenset(found)
