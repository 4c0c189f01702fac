"""Campaigns in memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.mailer.campaigns.domain import Campaign, CampaignState, NoSuchCampaign
from services.mailer.campaigns.store import Changed


class MemoryCampaigns:
    """`Campaigns` in a dict."""

    def __init__(self, *campaigns: Campaign) -> None:
        self.stored = {campaign.id: campaign for campaign in campaigns}
        self.tests: Counter[str] = Counter()

    async def add(self, campaign: Campaign) -> None:
        """See `Campaigns.add`."""
        self.stored[campaign.id] = campaign

    async def get(self, id: str) -> Campaign:
        """See `Campaigns.get`."""
        if id not in self.stored:
            raise NoSuchCampaign
        return self.stored[id]

    async def newest(self, *, limit: int, before: str = "") -> Sequence[Campaign]:
        """See `Campaigns.newest`."""
        ids = sorted((key for key in self.stored if not before or key < before), reverse=True)
        return [self.stored[key] for key in ids[:limit]]

    async def between(self, start: datetime, end: datetime) -> Sequence[Campaign]:
        """See `Campaigns.between`."""
        found = [campaign for campaign in self.stored.values() if start <= campaign.send_at < end]
        return sorted(found, key=lambda campaign: (campaign.send_at, campaign.id))[:500]

    async def follow_ups(self) -> Sequence[Campaign]:
        """See `Campaigns.follow_ups`."""
        states = (CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.PAUSED)
        found = [campaign for campaign in self.stored.values() if campaign.follow_up and campaign.state in states]
        return sorted(found, key=lambda campaign: campaign.id)

    async def due(self, now: datetime) -> Sequence[Campaign]:
        """See `Campaigns.due`."""
        found = [campaign for campaign in self.stored.values() if campaign.is_due(now)]
        return sorted(found, key=lambda campaign: (campaign.send_at, campaign.id))

    async def capped(self) -> int:
        """See `Campaigns.capped`."""
        return sum(each.capped or 0 for each in self.stored.values() if each.state is CampaignState.SENT)

    async def begin(self, campaign: Campaign, *, at: datetime) -> bool:
        """See `Campaigns.begin`."""
        stored = self.stored.get(campaign.id)
        if stored is None or not stored.is_open or stored.version != campaign.version:
            return False
        self.stored[campaign.id] = replace(stored, state=CampaignState.SENDING, began_at=stored.began_at or at)
        return True

    async def save(self, campaign: Campaign, *, seen: Campaign) -> Campaign:
        """See `Campaigns.save`."""
        if self.stored.get(seen.id) != seen:
            raise Changed
        self.stored[seen.id] = replace(campaign, version=seen.version + 1)
        return self.stored[seen.id]

    async def count_test(self, id: str, *, limit: int) -> bool:
        """See `Campaigns.count_test`."""
        if id not in self.stored or self.tests[id] >= limit:
            return False
        self.tests[id] += 1
        return True

    async def end(self, id: str, *, capped: int) -> bool:
        """See `Campaigns.end`."""
        is_done = self._move(id, CampaignState.SENT, (CampaignState.SENDING,))
        if is_done:
            self.stored[id] = replace(self.stored[id], capped=capped)
        return is_done

    async def cancel(self, campaign: Campaign) -> bool:
        """See `Campaigns.cancel`."""
        return self._move(
            campaign.id, CampaignState.CANCELLED, (CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.PAUSED)
        )

    def _move(self, id: str, state: CampaignState, states: Sequence[CampaignState]) -> bool:
        campaign = self.stored.get(id)
        if campaign is None or campaign.state not in states:
            return False
        self.stored[id] = replace(campaign, state=state)
        return True
