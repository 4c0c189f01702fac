"""What every `Campaigns` and every `Runs` does. Subclass and give a fixture `campaigns` or `runs`, empty."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.mailer.campaigns.domain import Campaign, CampaignState, Content, NoSuchCampaign
from services.mailer.campaigns.store import Campaigns
from services.mailer.sending.store import Runs
from shared.testing.clock import NOON

LATER = NOON + timedelta(hours=1)


def a_campaign(key: str = "c-1", **changes: object) -> Campaign:
    """Due at noon."""
    content = {"en": Content("News", "text"), "ja": Content("\u96ea", "{{ name }}")}
    campaign = Campaign(key, "offers", content, NOON, LATER, NOON, "staff")  # type: ignore[arg-type]
    return replace(campaign, **changes)  # type: ignore[arg-type]


class CampaignsSuite:
    """The contract."""

    async def test_what_is_added_is_found_as_it_was(self, campaigns: Campaigns) -> None:
        await campaigns.add(a_campaign())

        assert await campaigns.get("c-1") == a_campaign()
        with pytest.raises(NoSuchCampaign):
            await campaigns.get("c-2")

    async def test_the_due_come_oldest_first(self, campaigns: Campaigns) -> None:
        await campaigns.add(a_campaign("c-1", send_at=LATER))
        await campaigns.add(a_campaign("c-2"))
        await campaigns.add(a_campaign("c-3", send_at=NOON - timedelta(days=1), state=CampaignState.SENDING))
        await campaigns.add(a_campaign("c-4", state=CampaignState.CANCELLED))
        await campaigns.add(a_campaign("c-5", state=CampaignState.SENT))

        assert [campaign.id for campaign in await campaigns.due(NOON)] == ["c-3", "c-2"]

    async def test_a_campaign_goes_its_way_once(self, campaigns: Campaigns) -> None:
        await campaigns.add(a_campaign())

        assert not await campaigns.end("c-1", capped=1)
        assert [await campaigns.begin("c-1"), await campaigns.begin("c-1")] == [True, True]
        assert [await campaigns.end("c-1", capped=2), await campaigns.end("c-1", capped=3)] == [True, False]
        assert not await campaigns.begin("c-1")
        ended = await campaigns.get("c-1")
        assert (ended.state, ended.capped) == (CampaignState.SENT, 2)
        assert not await campaigns.cancel(ended)

    async def test_what_the_cap_withheld_is_summed_over_what_was_sent(self, campaigns: Campaigns) -> None:
        assert await campaigns.capped() == 0
        for key, capped in (("c-1", 2), ("c-2", 5)):
            await campaigns.add(a_campaign(key, state=CampaignState.SENDING))
            await campaigns.end(key, capped=capped)
        await campaigns.add(a_campaign("c-3"))

        assert await campaigns.capped() == 7

    async def test_what_is_cancelled_is_not_begun(self, campaigns: Campaigns) -> None:
        await campaigns.add(a_campaign())

        assert await campaigns.cancel(a_campaign())

        assert not await campaigns.begin("c-1")
        assert await campaigns.due(LATER) == []

    async def test_the_newest_come_first_and_in_pages(self, campaigns: Campaigns) -> None:
        for number in range(5):
            await campaigns.add(a_campaign(f"c-{number}"))

        page = await campaigns.newest(limit=2)
        rest = await campaigns.newest(limit=9, before=page[-1].id)

        assert [each.id for each in [*page, *rest]] == ["c-4", "c-3", "c-2", "c-1", "c-0"]


class RunsSuite:
    """The contract."""

    async def test_a_run_lives_until_its_time_has_passed(self, runs: Runs) -> None:
        await runs.beat("alive", ttl_s=60)
        await runs.beat("gone", ttl_s=-1)

        assert await runs.living() == {"alive"}
        assert await runs.dead() == ["gone"]

    async def test_a_beat_brings_back_and_an_end_is_no_death(self, runs: Runs) -> None:
        await runs.beat("r-1", ttl_s=-1)
        await runs.beat("r-1", ttl_s=60)
        await runs.beat("r-2", ttl_s=-1)
        await runs.end("r-2")

        assert await runs.living() == {"r-1"}
        assert await runs.dead() == []
