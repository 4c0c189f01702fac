"""Where campaigns are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.mailer.campaigns.domain import Campaign


class Changed(Exception):
    """Somebody else was quicker: read again and decide anew."""


class Campaigns(Protocol):
    """All campaigns."""

    async def add(self, campaign: Campaign) -> None:
        """Store a new one."""

    async def get(self, id: str) -> Campaign:
        """One campaign, as a majority has it.

        Raises:
            NoSuchCampaign
        """

    async def newest(self, *, limit: int, before: str = "") -> Sequence[Campaign]:
        """The newest ones, those with smaller ids than `before`."""

    async def between(self, start: datetime, end: datetime) -> Sequence[Campaign]:
        """Those with a `send_at` from `start` on and before `end`, the oldest first; 500 at most."""

    async def follow_ups(self) -> Sequence[Campaign]:
        """Those that follow purchases and are open or paused."""

    async def due(self, now: datetime) -> Sequence[Campaign]:
        """Those to be sent now, the oldest `send_at` first."""

    async def capped(self) -> int:
        """How many subscribers were passed over by campaigns that have been sent: their month was full."""

    async def begin(self, campaign: Campaign, *, at: datetime) -> bool:
        """Scheduled becomes sending; whether the campaign is open and still the version that was read."""

    async def save(self, campaign: Campaign, *, seen: Campaign) -> Campaign:
        """Store what was decided about `seen` as its next version, which is returned.

        Raises:
            Changed: it is not as it was seen any more.
        """

    async def count_test(self, id: str, *, limit: int) -> bool:
        """Count one more copy for a test; False where there were `limit` already."""

    async def end(self, id: str, *, capped: int) -> bool:
        """Sending becomes sent; whether this call did it."""

    async def cancel(self, campaign: Campaign) -> bool:
        """Whatever is open or paused becomes cancelled; whether this call did it."""
