"""`send`: everything that is due, then done. Any number of runs may be at it together."""

import asyncio
import time

import structlog

from services.mailer.campaigns.domain import Campaign
from services.mailer.locked import check_unlocked
from services.mailer.sending.domain import Forecast, Result
from services.mailer.sending.progress import Progress
from services.mailer.sending.run import Run, Sending, living
from services.mailer.sending.spread import spread
from services.mailer.sending.worker import Pass

_LOOK_AGAIN_S = 0.5

log = structlog.get_logger(__name__)


async def send_due(sending: Sending, *, stop: asyncio.Event, progress: Progress) -> None:
    """Send every campaign that is due to everybody who may have it.

    Raises:
        ClocksDiffer: no month is sure; nothing was sent.
        NewslettersLocked: the database comes from a backup; nothing was sent.
        SendingStopped, TransientError: the relay or the database went away; the next run goes on.
    """
    await check_unlocked(sending.restored, sending.settings.calendar, sending.clock())
    async with living(sending, stop) as run:
        for campaign in await sending.campaigns.due(sending.clock()):
            if run.must_stop():
                break
            await _send_campaign(sending, run, campaign, progress)


async def _send_campaign(sending: Sending, run: Run, campaign: Campaign, progress: Progress) -> None:
    forecast = await _forecast(sending, campaign)
    if campaign.follow_up and sending.clock() < campaign.not_after and not forecast.now + forecast.being_sent:
        return  # nobody's purchase is so long ago: its text may still be changed
    if await needs_approval(sending, campaign, forecast) and sending.clock() < campaign.not_after:
        log.warning("campaign waits for the approval of a second person", campaign_id=campaign.id)
        progress.waits_for_approval += 1
        return
    if not await sending.campaigns.begin(campaign, at=sending.clock()):
        return
    progress.expected += forecast.now
    progress.campaigns += 1
    await _recover(sending, campaign, progress)
    if sending.bus is not None and forecast.now > sending.settings.range_size:
        await spread(sending, run, campaign, progress)
    while sending.clock() < campaign.not_after and not run.must_stop():
        one = Pass(sending, run, campaign, progress)
        await one.go()
        if run.must_stop():
            return
        if not one.came_too_late and not await _others_left_something(sending, run, campaign, progress):
            break
    await _end_where_done(sending, campaign, progress)


async def needs_approval(sending: Sending, campaign: Campaign, forecast: Forecast) -> bool:
    """Whether a second person has to look at it first: more would get it, or have got it, than one may decide about."""
    if campaign.approved_by:
        return False
    got = await sending.claims.results(campaign.id)
    recipients = forecast.now + forecast.waiting + forecast.being_sent + sum(got.values()) - got[Result.DEFERRED]
    return recipients > sending.settings.approval_above


async def _recover(sending: Sending, campaign: Campaign, progress: Progress) -> int:
    """Take over what dead runs held; returns how many claims are free again."""
    recovered = await sending.claims.recover(campaign.id, await sending.runs.dead(), at=sending.clock())
    progress.unknown_of_the_dead += recovered.unknown
    if recovered.unknown:
        log.error("copies of a dead run have an unknown outcome", campaign_id=campaign.id, unknown=recovered.unknown)
    return recovered.given_back


async def _others_left_something(sending: Sending, run: Run, campaign: Campaign, progress: Progress) -> bool:
    """Wait until the other holders of claims are done, dead, or at nothing new for as long as a dead run seems alive.

    Returns whether claims were recovered, so that another pass is worth it.
    """
    fences: set[str] = set()
    until = 0.0
    while not run.must_stop():
        if await _recover(sending, campaign, progress):
            return True
        if not await sending.claims.holders(campaign.id) - {run.id}:
            return False
        if (now_live := await sending.claims.fences(campaign.id)) - fences:
            fences |= now_live
            until = time.monotonic() + 1.5 * sending.settings.run_ttl_s
        if time.monotonic() > until:
            return False
        await asyncio.sleep(_LOOK_AGAIN_S)
    return False


async def _end_where_done(sending: Sending, campaign: Campaign, progress: Progress) -> None:
    """A campaign ends when nobody is left who could still get it, or its time is over.

    Asked twice, with the question for claims in between: what another run held at the first forecast and gave back
    since is there again at the second.
    """
    if campaign.follow_up and sending.clock() < campaign.not_after:
        return  # there will be other purchases
    first = await _forecast(sending, campaign)
    held = await sending.claims.holders(campaign.id)
    second = await _forecast(sending, campaign)
    left = max(each.now + each.waiting for each in (first, second))
    progress.being_sent_by_others += second.being_sent
    if held:
        return
    if left and sending.clock() < campaign.not_after:
        log.info("campaign goes on in the next run", campaign_id=campaign.id, count=left)
        progress.left += left
        return
    if await sending.campaigns.end(campaign.id, capped=second.capped):
        log.info("campaign sent", campaign_id=campaign.id, capped=second.capped)


async def _forecast(sending: Sending, campaign: Campaign) -> Forecast:
    now = sending.clock()
    place = sending.settings.calendar.place_at(now)
    return await sending.claims.forecast(
        campaign.id, campaign.topic, place, at=now, is_follow_up=campaign.follow_up is not None
    )
