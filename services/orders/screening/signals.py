"""The signals that rules may ask for: a closed list, each with its own words. Nothing in a rule is ever executed."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from services.orders.screening.domain import Kind, Seen
from services.orders.screening.tallies import STEP_S, step_of

LONGEST_S = 24 * 3600
_KINDS = {kind.value: kind for kind in Kind}
_SPAN = re.compile(r"([1-9][0-9]{0,3})([mh])")


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a rule can see of an order. `highest_paid_minor` is in its currency; None where nothing was."""

    at: datetime
    currency: str
    amount_minor: int
    country: str
    card_country: str
    has_account: bool
    seen: Seen

    @property
    def highest_paid_minor(self) -> int | None:
        """The most that this account or card has paid in this currency."""
        return self.seen.highest_paid.get(self.currency)

    @property
    def is_known(self) -> bool:
        """This account or card has paid before."""
        return bool(self.seen.highest_paid)


def _seconds(text: str) -> str:
    match = _SPAN.fullmatch(text)
    span_s = int(match[1]) * {"m": 60, "h": 3600}[match[2]] if match else 0
    if not match or span_s % STEP_S or not STEP_S <= span_s <= LONGEST_S:
        raise ValueError('must be a time such as "10m" or "1h": whole 5 minutes, 24 hours at most')
    return text


Within = Annotated[str, AfterValidator(_seconds)]
Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]
Minor = Annotated[int, Field(ge=1)]


class Signal(BaseModel, ABC):
    """Base of all: unknown words are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @abstractmethod
    def holds(self, facts: Facts) -> bool:
        """Whether the order shows it."""


class Tries(Signal):
    """Checkouts with this card, address, e-mail address or from this network, with the present one."""

    signal: Literal["tries"]
    by: Literal["card", "address", "email", "network"]
    within: Within
    at_least: Minor

    def holds(self, facts: Facts) -> bool:
        """See `Signal`."""
        return _count(facts.seen.tries.get(_KINDS[self.by], {}), self.within, facts.at) >= self.at_least


class Declines(Signal):
    """Checkouts that the provider declined, by the same; `shop` is all of them together."""

    signal: Literal["declines"]
    by: Literal["card", "address", "email", "network", "shop"]
    within: Within
    at_least: Minor

    def holds(self, facts: Facts) -> bool:
        """See `Signal`."""
        counts = facts.seen.shop_declines if self.by == "shop" else facts.seen.declines.get(_KINDS[self.by], {})
        return _count(counts, self.within, facts.at) >= self.at_least


class Amount(Signal):
    """The order's total, in minor units by currency; it does not hold in a currency that is not named."""

    signal: Literal["amount"]
    at_least: dict[Currency, Minor] = {}
    below: dict[Currency, Minor] = {}

    def holds(self, facts: Facts) -> bool:
        """See `Signal`."""
        lowest, limit = self.at_least.get(facts.currency), self.below.get(facts.currency)
        if lowest is None and limit is None:
            return False
        return (lowest is None or facts.amount_minor >= lowest) and (limit is None or facts.amount_minor < limit)


class AmountOverHistory(Signal):
    """The total is so many times the highest that this account or card has paid; without one it does not hold."""

    signal: Literal["amount_over_history"]
    times: Annotated[int, Field(ge=2, le=1000)]

    def holds(self, facts: Facts) -> bool:
        """See `Signal`."""
        highest = facts.highest_paid_minor
        return highest is not None and facts.amount_minor >= highest * self.times


class CardCountry(Signal):
    """Where the card is from, against where the parcel goes; a card of unknown country is neither."""

    signal: Literal["card_country"]
    is_: Annotated[Literal["same", "other"], Field(alias="is")]

    def holds(self, facts: Facts) -> bool:
        """See `Signal`."""
        return bool(facts.card_country) and (facts.card_country == facts.country) == (self.is_ == "same")


class Buyer(Signal):
    """`known`: this account or card has paid before. `new`: neither has. `guest`, `account`: how they buy."""

    signal: Literal["buyer"]
    is_: Annotated[Literal["known", "new", "guest", "account"], Field(alias="is")]

    def holds(self, facts: Facts) -> bool:
        """See `Signal`."""
        shown: Mapping[str, bool] = {
            "known": facts.is_known,
            "new": not facts.is_known,
            "guest": not facts.has_account,
            "account": facts.has_account,
        }
        return shown[self.is_]


class Listed(Signal):
    """The card, address, e-mail address or network is on the block list; without `by`, any of them."""

    signal: Literal["listed"]
    by: Literal["card", "address", "email", "network", "any"] = "any"

    def holds(self, facts: Facts) -> bool:
        """See `Signal`."""
        return bool(facts.seen.listed) if self.by == "any" else Kind(self.by) in facts.seen.listed


Condition = Annotated[
    Tries | Declines | Amount | AmountOverHistory | CardCountry | Buyer | Listed, Field(discriminator="signal")
]


@lru_cache(maxsize=300)
def span_s(within: str) -> int:
    """Seconds of "10m" or "1h"."""
    return int(within[:-1]) * {"m": 60, "h": 3600}[within[-1]]


def _count(by_step: Mapping[int, int], within: str, at: datetime) -> int:
    """Counted in whole steps, so up to one step longer than asked."""
    if not by_step:
        return 0
    first = step_of(at) - span_s(within) // STEP_S
    return sum(count for step, count in by_step.items() if step >= first)
