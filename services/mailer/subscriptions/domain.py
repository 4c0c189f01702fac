"""A subscription, from the first request to its end, and back again. It is one document per address, for ever."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.contracts.mailer import SubscriptionChanged
from shared.errors import DomainError, ErrorKind, NotFound
from shared.events import Event

TOPICS: tuple[str, ...] = ("offers", "competitions", "new-products")
WORDING = "2026-11"
"""Version of the sentence that people agree to; it stands in templates/texts."""
ASKS_A_DAY = 3
"""Confirmation mails that one address gets in a day, whoever asks."""
PAUSE_DAYS: tuple[int, ...] = (30, 90, 180)
"""For how long newsletters may be paused."""


class SubscriptionState(StrEnum):
    """Whether newsletters may be sent. Only `confirmed` may."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"


class NoSuchSubscriber(NotFound):
    """There is no such subscriber."""

    code = "no-such-subscriber"


class LinkIsOver(DomainError):
    """This confirmation link is no longer good; asking again brings a new one."""

    kind = ErrorKind.GONE
    code = "link-is-over"


class NotSubscribed(DomainError):
    """There is no confirmed subscription to change."""

    kind = ErrorKind.CONFLICT
    code = "not-subscribed"


@dataclass(frozen=True, slots=True)
class Consent:
    """What was agreed to: asked for where and when, with which wording, and confirmed when."""

    source: str
    wording: str
    requested_at: datetime
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Asks:
    """The requests of one day (UTC), by key, so that a request that comes again counts once."""

    day: str = ""
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Name and address, sealed under the data key of `person_id`: another one for whoever returns after an erasure."""

    email: bytes
    name: bytes
    person_id: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """One address's subscription. `address_key` is a keyed hash of its cap identity; `person` is None once erased.

    `round` counts the times that opting in began; a confirmation link is good for its own round only. `revision`
    rises with each save. Until `paused_until` no newsletter is begun; with `fewer` a month holds one at most, whatever
    the shop's table allows.
    """

    id: str
    address_key: str
    state: SubscriptionState
    topics: tuple[str, ...]
    language: str
    consent: Consent
    changed_at: datetime
    person: Person | None
    round: int = 1
    asks: Asks = Asks()
    revision: int = 0
    paused_until: datetime | None = None
    fewer: bool = False

    def ask(self, request: "Request", person: Person, *, at: datetime) -> "Subscription | None":
        """Begin, or go on with, opting in; None where no mail may be sent: confirmed already, or asked too often."""
        asks = self._asks_of(at)
        if self.state is SubscriptionState.CONFIRMED:
            return None
        if request.key not in asks.keys and len(asks.keys) >= ASKS_A_DAY:
            return None
        begins = self.state is SubscriptionState.UNSUBSCRIBED
        keys = asks.keys if request.key in asks.keys else (*asks.keys, request.key)
        return replace(
            self,
            state=SubscriptionState.PENDING,
            topics=request.topics,
            language=request.language,
            consent=Consent(request.source, WORDING, request.wished_at or at),
            changed_at=at,
            person=person,
            round=self.round + begins,
            asks=Asks(asks.day, keys),
            paused_until=None if begins else self.paused_until,
            fewer=self.fewer and not begins,
        )

    def _asks_of(self, at: datetime) -> Asks:
        day = f"{at:%Y-%m-%d}"
        return self.asks if self.asks.day == day else Asks(day)

    def confirm(self, round: int, *, at: datetime, event_id: str) -> "tuple[Subscription, Event] | None":
        """Confirm; None where it was confirmed before.

        Raises:
            LinkIsOver: the link is of an earlier round, or the subscription has ended since.
        """
        if round != self.round or self.state is SubscriptionState.UNSUBSCRIBED:
            raise LinkIsOver
        if self.state is SubscriptionState.CONFIRMED:
            return None
        consent = replace(self.consent, confirmed_at=at)
        confirmed = replace(self, state=SubscriptionState.CONFIRMED, consent=consent, changed_at=at)
        return confirmed, changed(self.id, SubscriptionState.CONFIRMED, at=at, event_id=event_id)

    def taken_over(
        self, consent: Consent, *, at: datetime, event_id: str, paused_until: datetime
    ) -> "tuple[Subscription, Event]":
        """Confirmed elsewhere, with the proof of it; the first newsletter comes after `paused_until`."""
        consent = replace(consent, confirmed_at=consent.requested_at)
        confirmed = replace(
            self, state=SubscriptionState.CONFIRMED, consent=consent, changed_at=at, paused_until=paused_until
        )
        return confirmed, changed(self.id, SubscriptionState.CONFIRMED, at=at, event_id=event_id)

    def prefer(self, wishes: "Wishes", *, at: datetime) -> "Subscription":
        """Choose topics, language, a pause and fewer.

        Raises:
            NotSubscribed: only a confirmed subscription has a choice.
        """
        if self.state is not SubscriptionState.CONFIRMED:
            raise NotSubscribed
        paused_until = self.paused_until
        if wishes.pause_days is not None:
            paused_until = at + timedelta(days=wishes.pause_days) if wishes.pause_days else None
        return replace(
            self, topics=wishes.topics, language=wishes.language, fewer=wishes.fewer, paused_until=paused_until
        )

    def is_paused(self, at: datetime) -> bool:
        """Whether no newsletter may be begun at this moment."""
        return self.paused_until is not None and self.paused_until > at


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a subscriber may choose. `pause_days`: 0 ends a pause, None leaves it as it is."""

    topics: tuple[str, ...]
    language: str
    fewer: bool = False
    pause_days: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request to subscribe, without the person. `key` is the same when the same request comes again.

    `wished_at`: when the person asked, where that was before it was heard of here.
    """

    key: str
    topics: tuple[str, ...]
    language: str
    source: str
    wished_at: datetime | None = None


def begin(id: str, address_key: str, request: Request, person: Person, *, at: datetime) -> Subscription:
    """The first request of an address."""
    return Subscription(
        id=id,
        address_key=address_key,
        state=SubscriptionState.PENDING,
        topics=request.topics,
        language=request.language,
        consent=Consent(request.source, WORDING, request.wished_at or at),
        changed_at=at,
        person=person,
        asks=Asks(f"{at:%Y-%m-%d}", (request.key,)),
    )


def changed(id: str, state: SubscriptionState, *, at: datetime, event_id: str) -> Event:
    """What mailer announces: confirmed or unsubscribed."""
    contract = SubscriptionChanged.model_validate({"subscriber_id": id, "state": state.value, "changed_at": at})
    return Event.of(contract, id=event_id, subject=id, at=at)
