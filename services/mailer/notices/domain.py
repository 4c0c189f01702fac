"""One service mail, from the wish to have it sent to its end.

    queued --claim--> claimed --dot--> at its dot --> accepted | refused | forgotten
      ^                  |                 |
      +---- deferred ----+                 +--> unknown --claim, once more--> ... --> alarm

A copy whose outcome is unknown is sent once more with the same Message-ID, so that a mail reader shows one. After a
second unknown outcome nobody guesses: staff are told.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from services.mailer.smtp.session import Outcome

MOST_DOTS = 2
RECEIPT = "receipt"
_BACK_OFF = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600))
_GIVE_UP_AFTER = timedelta(days=5)


class NoticeState(StrEnum):
    """Where a notice stands."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    DOT = "dot"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    EXPIRED = "expired"
    ALARM = "alarm"
    FORGOTTEN = "forgotten"
    """Its key is gone: the person was erased, or the notice had ended when its process died."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens; the person is then forgotten."""
        return self in _FINAL


_FINAL = frozenset(
    {NoticeState.ACCEPTED, NoticeState.REFUSED, NoticeState.EXPIRED, NoticeState.ALARM, NoticeState.FORGOTTEN}
)


class Line(BaseModel):
    """A row of a receipt."""

    model_config = ConfigDict(frozen=True)

    name: str
    quantity: int
    amount_minor: int


class TaxFacts(BaseModel):
    """The tax of a purchase: in its prices where it is `included`, else added to goods and shipping."""

    model_config = ConfigDict(frozen=True)

    kind: str
    """consumption_tax, vat, gst, sales_tax, or what a later release calls it."""
    rate_bp: int
    amount_minor: int
    included: bool


class ReceiptFacts(BaseModel):
    """What a receipt says."""

    model_config = ConfigDict(frozen=True)

    number: str
    purchased_at: datetime
    currency: str
    lines: tuple[Line, ...]
    shipping_minor: int
    total_minor: int
    tax: TaxFacts | None = None


class OrderFacts(BaseModel):
    """What a mail about an order says; money in minor units of `currency`, empty and 0 where there is nothing to say.

    `happened_at` is aware UTC; the mail tells it in the shop's time zone.
    """

    model_config = ConfigDict(frozen=True)

    number: str
    happened_at: datetime
    currency: str = "JPY"
    amount_minor: int = 0
    refunded_minor: int = 0
    carrier: str = ""
    tracking: str = ""


class ClaimFacts(BaseModel):
    """What a mail about a claim says. `happened_at` is aware UTC, or the moment by which something is due."""

    model_config = ConfigDict(frozen=True)

    number: str
    product: str
    happened_at: datetime
    remedy: str = ""
    """repair, replacement or refund."""
    message: str = ""
    serial: str = ""


class CampaignFacts(BaseModel):
    """What a mail to staff about a campaign says, in copies. `number` is the campaign's id."""

    model_config = ConfigDict(frozen=True)

    number: str
    sent: int
    bounced: int
    complained: int


class OrderLink(BaseModel):
    """One of the orders that were asked for, and where it is seen."""

    model_config = ConfigDict(frozen=True)

    number: str
    placed_at: datetime
    link: str


class Content(BaseModel):
    """Whom a notice is for and what it says; kept sealed."""

    model_config = ConfigDict(frozen=True)

    email: str
    name: str = ""
    """Empty where a stranger may have typed it: a confirmation mail greets nobody by name."""
    link: str = ""
    code: str = ""
    """What may be typed in place of following the link."""
    topics: tuple[str, ...] = ()
    receipt: ReceiptFacts | None = None
    order: OrderFacts | None = None
    orders: tuple[OrderLink, ...] = ()
    claim: ClaimFacts | None = None
    campaign: CampaignFacts | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A service mail. `id` is its natural key; `attempts` counts deferrals, `dots` texts handed over.

    `content` is sealed under a data key of its own, that of `person_id`, which is dropped when the notice ends.
    `address_key` is the keyed hash of the address, for whom it is found by; empty once that person is forgotten.
    `traceparent` is that of the work that wanted it.
    """

    id: str
    template: str
    language: str
    content: bytes
    person_id: str
    created_at: datetime
    expires_at: datetime | None = None
    state: NoticeState = NoticeState.QUEUED
    due_at: datetime | None = None
    attempts: int = 0
    dots: int = 0
    address_key: str = ""
    traceparent: str = ""

    @property
    def is_owed(self) -> bool:
        """Goes out even if the person leaves: who has paid gets a receipt."""
        return self.template == RECEIPT

    def at_pickup(self, now: datetime) -> "Notice | None":
        """What is to be done instead of sending it: None to send it."""
        if self.dots >= MOST_DOTS:
            return replace(self, state=NoticeState.ALARM, due_at=None)
        if self.expires_at is not None and self.expires_at <= now:
            return replace(self, state=NoticeState.EXPIRED, due_at=None)
        return None

    def after(self, outcome: Outcome, *, now: datetime, pause: timedelta, was_at_dot: bool) -> "Notice":
        """Where it stands after an attempt. `was_at_dot`: the mark had been made."""
        dots = self.dots + was_at_dot
        if outcome is Outcome.ACCEPTED:
            return replace(self, state=NoticeState.ACCEPTED, due_at=None, dots=dots)
        if outcome is Outcome.REFUSED:
            return replace(self, state=NoticeState.REFUSED, due_at=None, dots=dots)
        if outcome is Outcome.UNKNOWN:
            return replace(self, dots=dots).lost(now=now, pause=pause)
        if now - self.created_at > _GIVE_UP_AFTER:
            return replace(self, state=NoticeState.ALARM, due_at=None)
        wait = _BACK_OFF[min(self.attempts, len(_BACK_OFF) - 1)]
        return replace(self, state=NoticeState.QUEUED, due_at=now + wait, attempts=self.attempts + 1)

    def lost(self, *, now: datetime, pause: timedelta) -> "Notice":
        """An attempt with an unknown end: once more after a pause, or the alarm."""
        if self.dots >= MOST_DOTS:
            return replace(self, state=NoticeState.ALARM, due_at=None)
        return replace(self, state=NoticeState.UNKNOWN, due_at=now + pause)

    @property
    def returned(self) -> "Notice":
        """Back in the queue, untouched: its process died before the dot."""
        return replace(self, state=NoticeState.QUEUED)
