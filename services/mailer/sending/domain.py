"""The ledger of one copy: claimed, at its dot, and then what became of it.

    claimed --dot--> at the dot --> accepted | refused | unknown
       |                |
       +----------------+--> given back: surely not accepted; the month's place is free again

A crash before the dot: the claim is given back and made again. After it nobody can know: `unknown` counts as sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.mailer.months import CapPlace
from services.mailer.smtp.session import Outcome


class Stage(StrEnum):
    """Where a live claim stands."""

    CLAIMED = "claimed"
    DOT = "dot"


class Result(StrEnum):
    """How a claim ended. Where it `is_final` it stays in the subscriber's document: this issue never comes again."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    DEFERRED = "deferred"
    """Put off by the relay: surely not accepted, and tried again."""
    GIVEN_BACK = "given-back"

    @property
    def frees_its_place(self) -> bool:
        """Whether the month's count goes down again: only where the copy was surely not accepted."""
        return self in (Result.REFUSED, Result.DEFERRED, Result.GIVEN_BACK)

    @property
    def is_final(self) -> bool:
        """Whether this issue never comes again."""
        return self not in (Result.DEFERRED, Result.GIVEN_BACK)


def result_of(outcome: Outcome) -> Result:
    """What a delivery means for the ledger."""
    return {
        Outcome.ACCEPTED: Result.ACCEPTED,
        Outcome.REFUSED: Result.REFUSED,
        Outcome.UNKNOWN: Result.UNKNOWN,
        Outcome.DEFERRED: Result.DEFERRED,
    }.get(outcome, Result.GIVEN_BACK)


CLAIM_GOOD_FOR = timedelta(seconds=120)
"""A copy not handed over by then is given back instead, and claimed again later."""
FORGOTTEN_AFTER = timedelta(hours=1)
"""A claim this old has lost its run, whatever else is known: no dot is waited for so long."""


FOLLOW_UP_WAITS = timedelta(days=35)
"""A follow-up that had no place for so long after it was due is not sent any more: a month has passed."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which a batch is claimed. `fence` is new for each batch, and fences whoever lost it.

    `is_follow_up`: only for whom the campaign is due after a purchase.
    """

    campaign_id: str
    topic: str
    place: CapPlace
    run_id: str
    fence: str
    at: datetime
    is_follow_up: bool = False


LAST_KEY = "~"
"""Past every subscriber's key: these are hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Span:
    """Subscribers by their stored keys: past `after`, up to and with `upto`."""

    after: str = ""
    upto: str = LAST_KEY


EVERYBODY = Span()


@dataclass(frozen=True, slots=True)
class Claimed:
    """A subscriber who is claimed; name and address sealed under the data key of `person_id`."""

    subscriber_id: str
    language: str
    email: bytes
    name: bytes
    person_id: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found of runs that died."""

    given_back: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Forecast:
    """How a campaign stands at a moment, in subscribers to its topic.

    Args:
        now: would get it now.
        capped: have used up a month that a copy sent now would count in.
        waiting: among these, those who only lack a place in the neighbouring month, near its edge.
        being_sent: claimed at this moment.
        suppressed: have unsubscribed.
        paused: have asked for a pause that is not over.
    """

    now: int
    capped: int
    waiting: int
    being_sent: int
    suppressed: int
    paused: int = 0


Results = Mapping[Result, int]
"""Copies by how they ended; `DEFERRED` are those that wait for another try."""


@dataclass(frozen=True, slots=True)
class Hour:
    """What happened within an hour of the shop's that begins at `at`."""

    at: datetime
    results: Results
    unsubscribed: int = 0
