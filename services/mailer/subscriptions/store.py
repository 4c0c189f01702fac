"""Where subscriptions are kept, in the domain's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.mailer.subscriptions.domain import Subscription
from shared.events import Event


@dataclass(frozen=True, slots=True)
class Issue:
    """What became of one newsletter. `returned`: hard, soft or complaint where it came back."""

    campaign: str
    result: str
    at: datetime | None = None
    returned: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """What was sent to one address: how many newsletters in which month, what became of each, and what follows when."""

    months: Mapping[str, int]
    issues: tuple[Issue, ...]
    due: Mapping[str, datetime] = field(default_factory=dict)
    """Follow-ups of purchases, by campaign."""


class Changed(Exception):
    """Somebody else was quicker: read again and decide anew."""


class Subscribers(Protocol):
    """One document for each address, never deleted: it also carries what `sending` counts."""

    async def find_by_address(self, address_key: str) -> Subscription | None:
        """The subscription of an address, by the keyed hash of its cap identity."""

    async def get(self, id: str) -> Subscription:
        """One subscription, as a majority has it.

        Raises:
            NoSuchSubscriber
        """

    async def history(self, id: str) -> History:
        """What `sending` has counted and noted of one subscription.

        Raises:
            NoSuchSubscriber
        """

    async def add(self, subscription: Subscription) -> None:
        """Store a new one.

        Raises:
            Changed: the address has one.
        """

    async def save(self, subscription: Subscription, events: Sequence[Event]) -> Subscription:
        """Store what was decided, with its events, in one majority write; returns it with its new revision.

        Month counts and what is being sent are left alone.

        Raises:
            Changed: the revision has moved since it was read.
        """

    async def unsubscribe(self, id: str, event: Event, *, at: datetime) -> bool:
        """End the subscription and cancel its claims that are not at their final dot, in one majority write.

        Returns whether it was not ended before; either way a majority has it as ended.

        Raises:
            NoSuchSubscriber
        """

    async def follow(self, id: str, campaign_id: str, *, order_id: str, due_at: datetime) -> bool:
        """Note that a follow-up is due then; False where it was noted or sent before, or nothing may be noted.

        Nothing is kept about who has unsubscribed.

        Raises:
            NoSuchSubscriber
        """

    async def unfollow(self, id: str, order_id: str) -> None:
        """Drop what follows an order that was cancelled."""

    async def forget(self, id: str) -> None:
        """Drop name and address; the address's hash, its month counts and its state stay.

        Raises:
            NoSuchSubscriber
        """
