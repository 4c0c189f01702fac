"""Where it is kept what came back: in the subscriber's document, beside what became of the copy."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.mailer.bounces.reading import Kind
from services.mailer.bounces.tags import Tag

LOOKED_AT = 6
"""Soft bounces count among so many of the latest newsletters of a subscriber."""


@dataclass(frozen=True, slots=True)
class Return:
    """A copy that came back, or was complained about."""

    tag: Tag
    kind: Kind
    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Noted:
    """What is known now of the subscriber.

    Args:
        subscriber_id: who.
        campaign_id: which newsletter; "" where that is not known, and for service mail.
        is_new: whether this return says more of the copy than was known.
        soft: soft bounces among the latest newsletters.
        is_over: the copy was sent before the subscription that there is now was confirmed: it says nothing about that.
    """

    subscriber_id: str
    campaign_id: str = ""
    is_new: bool = True
    soft: int = 0
    is_over: bool = False


class Returns(Protocol):
    """What came back."""

    async def note(self, back: Return) -> Noted | None:
        """Note it with its copy, once, and the worse of two; None where there is no such copy. Durable on return.

        Raises:
            TransientError: the copy is at its dot: what became of it is not stored yet.
        """

    async def counts(self, campaign_id: str) -> Mapping[Kind, int]:
        """How many copies of a campaign came back how."""
