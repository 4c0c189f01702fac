"""Where campaigns are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.mailer.campaigns.domain import Campaign


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

    async def due(self, now: datetime) -> Sequence[Campaign]:
        """Those to be sent now, the oldest `send_at` first."""

    async def capped(self) -> int:
        """How many subscribers were passed over by campaigns that have been sent: their month was full."""

    async def begin(self, id: str) -> bool:
        """Scheduled becomes sending; whether the campaign is open."""

    async def end(self, id: str, *, capped: int) -> bool:
        """Sending becomes sent; whether this call did it."""

    async def cancel(self, campaign: Campaign) -> bool:
        """Whatever is open becomes cancelled; whether this call did it."""
