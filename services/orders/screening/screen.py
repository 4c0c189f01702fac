"""Screening of one checkout, before its card is charged."""

from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter

from services.orders.screening.domain import Marks, Verdict
from services.orders.screening.issuers import Issuers
from services.orders.screening.rules import Rules
from services.orders.screening.signals import Facts
from services.orders.screening.tallies import Tallies

SCREENED = Counter("padlock_screened_total", "Checkouts screened, by decision.", ["decision"])
FIRED = Counter("padlock_screening_rules_fired_total", "Rules that fired, by name.", ["rule"])


@dataclass(frozen=True, slots=True)
class Checkout:
    """What screening is told of a checkout. `first6` is in memory only; money in minor units of `currency`."""

    marks: Marks
    account_id: str
    first6: str
    country: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Screener:
    """The rules, and what they are held against."""

    rules: Rules
    issuers: Issuers
    tallies: Tallies

    async def screen(self, checkout: Checkout, *, at: datetime) -> Verdict:
        """Count the checkout, then judge it by all that was counted: of many at once each sees those before it.

        Raises:
            TransientError: the database is away; nothing may be charged.
        """
        await self.tallies.count_try(checkout.marks, at=at)
        seen = await self.tallies.look(checkout.marks, checkout.account_id, at=at)
        verdict = self.rules.judge(
            Facts(
                at=at,
                currency=checkout.currency,
                amount_minor=checkout.amount_minor,
                country=checkout.country,
                card_country=self.issuers.country_of(checkout.first6),
                has_account=bool(checkout.account_id),
                seen=seen,
            )
        )
        SCREENED.labels(decision=verdict.decision.value).inc()
        for hit in verdict.hits:
            FIRED.labels(rule=hit.rule).inc()
        return verdict
