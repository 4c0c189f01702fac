"""What marketing can do, one function each. Numbers come out, never addresses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.mailer.bounces.reading import Kind
from services.mailer.campaigns.domain import (
    Campaign,
    CampaignChanged,
    CampaignIsOver,
    CampaignState,
    Content,
    FollowUp,
    plan,
)
from services.mailer.campaigns.store import Changed
from services.mailer.deps import Deps
from services.mailer.languages import Language
from services.mailer.sending.domain import Forecast, Hour, Result
from services.mailer.sending.usecases import needs_approval
from shared.errors import TransientError

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """What marketing writes."""

    topic: str
    content: Mapping[Language, Content]
    send_at: datetime
    not_after: datetime | None
    follow_up: FollowUp | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a campaign would fare `at` a moment, and whether a second person has to approve it first."""

    forecast: Forecast
    at: datetime
    needs_approval: bool


@dataclass(frozen=True, slots=True)
class Report:
    """How a campaign went, in copies."""

    accepted: int
    deferred: int
    refused: int
    unknown: int
    capped: int
    bounced: int
    complained: int
    unsubscribed: int
    unsubscribed_before: int
    hours: Sequence[Hour]


async def plan_campaign(deps: Deps, draft: Draft, *, by: str) -> Campaign:
    """A new campaign, refused where anything in it could fail later.

    Raises:
        InvalidInput: names each field.
    """
    campaign = _plan(deps, draft, by=by)
    await deps.campaigns.add(campaign)
    return campaign


def _plan(deps: Deps, draft: Draft, *, by: str) -> Campaign:
    return plan(
        id=deps.new_id(),
        topic=draft.topic,
        content=draft.content,
        send_at=draft.send_at,
        not_after=draft.not_after,
        now=deps.clock(),
        by=by,
        hosts=deps.settings.link_hosts,
        follow_up=draft.follow_up,
    )


async def edit_campaign(deps: Deps, campaign_id: str, draft: Draft, *, by: str, if_match: str | None) -> Campaign:
    """Change text, topic and times; an approval goes with it.

    Raises:
        NoSuchCampaign, InvalidInput
        CampaignIsOver, CampaignHasBegun: too late.
        CampaignChanged: it is not the version of `if_match`.
    """
    planned = _plan(deps, draft, by=by)
    return await _change(deps, campaign_id, lambda campaign: campaign.edited(planned), if_match=if_match)


async def approve_campaign(deps: Deps, campaign_id: str, *, by: str, if_match: str | None) -> Campaign:
    """Approve a campaign as it was seen, as a second person.

    Raises:
        NoSuchCampaign, CampaignIsOver
        OwnApproval: whoever wrote it.
        CampaignChanged: it is not the version of `if_match`.
    """
    return await _change(deps, campaign_id, lambda campaign: campaign.approved(by), if_match=if_match)


async def pause_campaign(deps: Deps, campaign_id: str) -> Campaign:
    """Let a campaign rest: on return no further copy of it begins its final dot.

    Raises:
        NoSuchCampaign, CampaignIsOver
    """
    paused = await _change(deps, campaign_id, lambda campaign: campaign.paused())
    await deps.sending.claims.cancel(campaign_id)
    return paused


async def resume_campaign(deps: Deps, campaign_id: str) -> Campaign:
    """Go on, in the next run.

    Raises:
        NoSuchCampaign, CampaignIsOver
    """
    return await _change(deps, campaign_id, lambda campaign: campaign.resumed(deps.clock()))


def tag_of(campaign: Campaign) -> str:
    """The campaign's ETag (RFC 9110 section 8.8.3): it changes with every change by hand."""
    return f'"{campaign.version}"'


async def _change(
    deps: Deps, campaign_id: str, decide: Callable[[Campaign], Campaign], *, if_match: str | None = None
) -> Campaign:
    for _ in range(_TRIES):
        campaign = await deps.campaigns.get(campaign_id)
        if if_match not in (None, "", "*", tag_of(campaign)):
            raise CampaignChanged
        decided = decide(campaign)
        if decided == campaign:
            return campaign
        try:
            return await deps.campaigns.save(decided, seen=campaign)
        except Changed:
            continue
    raise TransientError("this campaign is being changed by somebody else")


async def list_campaigns(deps: Deps, *, limit: int, before: str) -> tuple[Sequence[Campaign], str]:
    """The newest campaigns, and the id to go on from; "" at the end."""
    found = await deps.campaigns.newest(limit=limit + 1, before=before)
    page = found[:limit]
    return page, page[-1].id if len(found) > limit else ""


async def cancel_campaign(deps: Deps, campaign_id: str) -> Campaign:
    """Stop a campaign: on return no further copy of it begins its final dot.

    Raises:
        NoSuchCampaign
        CampaignIsOver: everything has been sent.
    """
    campaign = await deps.campaigns.get(campaign_id)
    cancelled = campaign.cancelled()
    if not await deps.campaigns.cancel(campaign):
        now = await deps.campaigns.get(campaign_id)
        if now.state is not CampaignState.CANCELLED:
            raise CampaignIsOver
    await deps.sending.claims.cancel(campaign_id)
    return cancelled


async def forecast_campaign(deps: Deps, campaign_id: str) -> tuple[Campaign, Outlook]:
    """How the campaign would fare at its time, or now where that has come.

    Raises:
        NoSuchCampaign
    """
    campaign = await deps.campaigns.get(campaign_id)
    at = max(campaign.send_at, deps.clock())
    place = deps.settings.calendar.place_at(at)
    forecast = await deps.sending.claims.forecast(
        campaign.id, campaign.topic, place, at=at, is_follow_up=campaign.follow_up is not None
    )
    return campaign, Outlook(forecast, at, await needs_approval(deps.sending, campaign, forecast))


async def report_campaign(deps: Deps, campaign_id: str) -> tuple[Campaign, Report]:
    """How it has gone so far.

    Raises:
        NoSuchCampaign
    """
    campaign, outlook = await forecast_campaign(deps, campaign_id)
    results = await deps.sending.claims.results(campaign_id)
    hours = await deps.sending.claims.by_hour(campaign_id, deps.settings.calendar.zone)
    left = 0  # of a follow-up nobody knows whom it would have come to
    if campaign.follow_up is None:
        left = await deps.sending.claims.left_since(campaign_id, campaign.topic, campaign.created_at)
    returned = await deps.returns.counts(campaign_id)
    return campaign, Report(
        accepted=results[Result.ACCEPTED],
        deferred=results[Result.DEFERRED] if campaign.is_open or campaign.state is CampaignState.PAUSED else 0,
        refused=results[Result.REFUSED],
        unknown=results[Result.UNKNOWN],
        capped=outlook.forecast.capped if campaign.capped is None else campaign.capped,
        bounced=returned[Kind.HARD] + returned[Kind.SOFT],
        complained=returned[Kind.COMPLAINT],
        unsubscribed=sum(hour.unsubscribed for hour in hours),
        unsubscribed_before=left,
        hours=hours,
    )
