"""What every `Campaigns` and every `Runs` does. Subclass and give a fixture `campaigns` or `runs`, empty."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.mailer.campaigns.domain import Campaign, CampaignState, Content, FollowUp, NoSuchCampaign
from services.mailer.campaigns.store import Campaigns, Changed
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
        assert [await campaigns.begin(a_campaign(), at=at) for at in (NOON, LATER)] == [True, True]
        assert [await campaigns.end("c-1", capped=2), await campaigns.end("c-1", capped=3)] == [True, False]
        assert not await campaigns.begin(a_campaign(), at=LATER)
        ended = await campaigns.get("c-1")
        assert (ended.state, ended.capped, ended.began_at) == (CampaignState.SENT, 2, NOON)
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

        assert not await campaigns.begin(a_campaign(), at=NOON)
        assert await campaigns.due(LATER) == []

    async def test_another_version_than_was_read_does_not_begin(self, campaigns: Campaigns) -> None:
        await campaigns.add(a_campaign())
        seen = await campaigns.get("c-1")
        saved = await campaigns.save(replace(seen, topic="competitions", edited_by=("other",)), seen=seen)

        assert saved.version == seen.version + 1
        assert not await campaigns.begin(seen, at=NOON)
        assert await campaigns.begin(saved, at=NOON)

    async def test_what_was_decided_about_another_state_is_not_stored(self, campaigns: Campaigns) -> None:
        await campaigns.add(a_campaign())
        seen = await campaigns.get("c-1")
        await campaigns.begin(seen, at=NOON)

        with pytest.raises(Changed):
            await campaigns.save(replace(seen, topic="competitions"), seen=seen)
        assert (await campaigns.get("c-1")).topic == "offers"

    async def test_of_two_who_save_at_once_one_is_told(self, campaigns: Campaigns) -> None:
        await campaigns.add(a_campaign())
        seen = await campaigns.get("c-1")

        outcomes = await asyncio.gather(
            *(campaigns.save(replace(seen, approved_by=f"s-{n}"), seen=seen) for n in range(5)), return_exceptions=True
        )

        saved = [outcome for outcome in outcomes if isinstance(outcome, Campaign)]
        assert len(saved) == 1
        assert await campaigns.get("c-1") == saved[0]

    async def test_what_is_paused_is_not_due_and_can_be_cancelled(self, campaigns: Campaigns) -> None:
        await campaigns.add(a_campaign())
        seen = await campaigns.get("c-1")
        paused = await campaigns.save(seen.paused(), seen=seen)

        assert await campaigns.due(LATER) == []
        assert not await campaigns.begin(paused, at=LATER)
        assert await campaigns.cancel(paused)

    async def test_tests_are_counted_up_to_their_limit_also_at_once(self, campaigns: Campaigns) -> None:
        await campaigns.add(a_campaign())

        counted = await asyncio.gather(*(campaigns.count_test("c-1", limit=3) for _ in range(5)))

        assert sum(counted) == 3
        assert not await campaigns.count_test("c-2", limit=3)

    async def test_a_span_of_time_has_its_campaigns_whatever_their_state(self, campaigns: Campaigns) -> None:
        await campaigns.add(a_campaign("c-1", send_at=LATER))
        await campaigns.add(a_campaign("c-2", state=CampaignState.CANCELLED))
        await campaigns.add(a_campaign("c-3", send_at=NOON - timedelta(seconds=1)))

        assert [each.id for each in await campaigns.between(NOON, LATER)] == ["c-2"]
        assert [each.id for each in await campaigns.between(NOON, LATER + timedelta(seconds=1))] == ["c-2", "c-1"]

    async def test_what_follows_purchases_is_found_while_it_goes_on(self, campaigns: Campaigns) -> None:
        follow_up = FollowUp(7, ("w-1",))
        await campaigns.add(a_campaign("c-1"))
        for key, state in (("c-2", CampaignState.PAUSED), ("c-3", CampaignState.SENT), ("c-4", CampaignState.SENDING)):
            await campaigns.add(a_campaign(key, state=state, follow_up=follow_up))

        found = await campaigns.follow_ups()

        assert [each.id for each in found] == ["c-2", "c-4"]
        assert found[0].follow_up == follow_up

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
