"""Campaigns, as they are answered over HTTP. Counts only: no answer to any role holds an address."""

from pydantic import AwareDatetime

from services.mailer.campaigns.domain import Campaign
from services.mailer.campaigns.usecases import Outlook, Report
from services.mailer.sending.domain import Result
from shared.http.routes import ResponseModel


class ContentView(ResponseModel):
    """The text in one language."""

    subject: str
    markdown: str


class FollowUpView(ResponseModel):
    """After which purchase, and how many days after it."""

    after_days: int
    skus: list[str]


class CampaignView(ResponseModel):
    """A campaign; `state` is scheduled, sending, paused, sent or cancelled. The ETag is its version."""

    id: str
    topic: str
    state: str
    content: dict[str, ContentView]
    send_at: AwareDatetime
    not_after: AwareDatetime
    created_at: AwareDatetime
    created_by: str
    edited_by: list[str]
    approved_by: str
    """who has approved it as it is; "" while nobody has"""
    follow_up: FollowUpView | None
    """not null: it follows purchases"""
    began_at: AwareDatetime | None
    """since when the text is fixed"""


class CampaignList(ResponseModel):
    """A page of campaigns, newest first; the next one is named by `Link: rel="next"`."""

    items: list[CampaignView]


class PreviewView(ResponseModel):
    """The mail as a reader gets it, with an invented name."""

    id: str
    language: str
    subject: str
    text: str
    html: str


class TrialView(ResponseModel):
    """The relay has taken a copy."""

    language: str


class ForecastView(ResponseModel):
    """How the campaign would fare `at` a moment, in subscribers to its topic."""

    id: str
    at: AwareDatetime
    month: str
    now: int
    """would get it"""
    capped: int
    """have had their month's newsletters"""
    waiting: int
    """of these: lack only a place in the month beside, and may get it once its edge is over"""
    being_sent: int
    suppressed: int
    """have unsubscribed"""
    needs_approval: bool
    """more would get it than one person may decide about: it waits for a second one"""
    paused: int
    """have asked for a pause that is not over"""


class HourView(ResponseModel):
    """What happened within an hour that begins at `at`."""

    at: AwareDatetime
    accepted: int
    refused: int
    unknown: int
    unsubscribed: int


class ReportView(ResponseModel):
    """How the campaign has gone, in copies."""

    id: str
    state: str
    accepted: int
    deferred: int
    """put off by the relay, and tried again"""
    refused: int
    unknown: int
    """handed over without a reply: counted as sent, never sent again"""
    capped: int
    bounced: int
    """of those accepted, came back"""
    complained: int
    """of those accepted, were reported as spam"""
    unsubscribed: int
    """got it as their last newsletter, and have left since"""
    unsubscribed_before: int
    """left before it came to them"""
    hours: list[HourView]


def campaign_view(campaign: Campaign) -> CampaignView:
    """One campaign."""
    return CampaignView(
        id=campaign.id,
        topic=campaign.topic,
        state=campaign.state.value,
        content={
            language: ContentView(subject=content.subject, markdown=content.markdown)
            for language, content in campaign.content.items()
        },
        send_at=campaign.send_at,
        not_after=campaign.not_after,
        created_at=campaign.created_at,
        created_by=campaign.created_by,
        edited_by=list(campaign.edited_by),
        approved_by=campaign.approved_by,
        began_at=campaign.began_at,
        follow_up=None
        if campaign.follow_up is None
        else FollowUpView(after_days=campaign.follow_up.after_days, skus=list(campaign.follow_up.skus)),
    )


def forecast_view(campaign: Campaign, outlook: Outlook, month: str) -> ForecastView:
    """How it would fare."""
    return ForecastView(
        id=campaign.id,
        at=outlook.at,
        month=month,
        now=outlook.forecast.now,
        capped=outlook.forecast.capped,
        waiting=outlook.forecast.waiting,
        being_sent=outlook.forecast.being_sent,
        suppressed=outlook.forecast.suppressed,
        paused=outlook.forecast.paused,
        needs_approval=outlook.needs_approval,
    )


def report_view(campaign: Campaign, report: Report) -> ReportView:
    """How it has gone."""
    return ReportView(
        id=campaign.id,
        state=campaign.state.value,
        accepted=report.accepted,
        deferred=report.deferred,
        refused=report.refused,
        unknown=report.unknown,
        capped=report.capped,
        bounced=report.bounced,
        complained=report.complained,
        unsubscribed=report.unsubscribed,
        unsubscribed_before=report.unsubscribed_before,
        hours=[
            HourView(
                at=hour.at,
                accepted=hour.results[Result.ACCEPTED],
                refused=hour.results[Result.REFUSED],
                unknown=hour.results[Result.UNKNOWN],
                unsubscribed=hour.unsubscribed,
            )
            for hour in report.hours
        ],
    )
