"""What marketing can do, one function each. Numbers come out, never addresses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.mailer.campaigns.domain import Campaign, CampaignIsOver, CampaignState, Content, plan
from services.mailer.deps import Deps
from services.mailer.languages import Language
from services.mailer.sending.domain import Forecast, Result


@dataclass(frozen=True, slots=True)
class Report:
    """How a campaign went, in copies."""

    accepted: int
    refused: int
    unknown: int
    capped: int
    unsubscribed_before: int


async def plan_campaign(
    deps: Deps,
    *,
    topic: str,
    content: Mapping[Language, Content],
    send_at: datetime,
    not_after: datetime | None,
    by: str,
) -> Campaign:
    """A new campaign, refused where anything in it could fail later.

    Raises:
        InvalidInput: names each field.
    """
    campaign = plan(
        id=deps.new_id(),
        topic=topic,
        content=content,
        send_at=send_at,
        not_after=not_after,
        now=deps.clock(),
        by=by,
        hosts=deps.settings.link_hosts,
    )
    await deps.campaigns.add(campaign)
    return campaign


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


async def forecast_campaign(deps: Deps, campaign_id: str) -> tuple[Campaign, Forecast, datetime]:
    """How the campaign would fare at its time, or now where that has come; and at which moment that is.

    Raises:
        NoSuchCampaign
    """
    campaign = await deps.campaigns.get(campaign_id)
    at = max(campaign.send_at, deps.clock())
    place = deps.settings.calendar.place_at(at)
    return campaign, await deps.sending.claims.forecast(campaign.id, campaign.topic, place, at=at), at


async def report_campaign(deps: Deps, campaign_id: str) -> tuple[Campaign, Report]:
    """How it has gone so far.

    Raises:
        NoSuchCampaign
    """
    campaign, forecast, _ = await forecast_campaign(deps, campaign_id)
    results = await deps.sending.claims.results(campaign_id)
    left = await deps.sending.claims.left_since(campaign_id, campaign.topic, campaign.created_at)
    return campaign, Report(
        accepted=results[Result.ACCEPTED],
        refused=results[Result.REFUSED],
        unknown=results[Result.UNKNOWN],
        capped=forecast.capped if campaign.capped is None else campaign.capped,
        unsubscribed_before=left,
    )
