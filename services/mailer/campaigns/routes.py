"""The marketing desk by HTTP. Counts only: no answer to any role holds an address."""

from functools import partial
from typing import Annotated

from pydantic import AwareDatetime, Field

from services.mailer.campaigns import usecases
from services.mailer.campaigns.domain import (
    Campaign,
    CampaignChanged,
    CampaignHasBegun,
    CampaignIsOver,
    Content,
    NoSuchCampaign,
    OwnApproval,
)
from services.mailer.deps import Deps
from services.mailer.languages import Language
from services.mailer.sending.domain import Result
from services.mailer.subscriptions.routes import Topic
from shared.errors import InvalidInput
from shared.http.moments import Moment
from shared.http.routes import Answer, Call, RequestModel, ResponseModel, Route, roles

PATH = "/api/mailer/campaigns"
MARKETING = roles("marketing", "admin")

Subject = Annotated[str, Field(min_length=1, max_length=200)]
Markdown = Annotated[str, Field(min_length=1, max_length=40_000)]


class ContentBody(RequestModel):
    """The text in one language; Markdown without HTML, with the variable {{ name }}."""

    subject: Subject
    markdown: Markdown


class CampaignBody(RequestModel):
    """An issue of the newsletter."""

    topic: Topic
    content: dict[Language, ContentBody] = Field(min_length=1, max_length=3)
    send_at: Moment
    not_after: Moment | None = None

    def draft(self) -> usecases.Draft:
        """As the use cases take it."""
        content = {language: Content(text.subject, text.markdown) for language, text in self.content.items()}
        return usecases.Draft(self.topic, content, self.send_at, self.not_after)


class ListQuery(RequestModel):
    """Which page of a list."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: str = Field(default="", max_length=200)


class ContentView(ResponseModel):
    """The text in one language."""

    subject: str
    markdown: str


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
    began_at: AwareDatetime | None
    """since when the text is fixed"""


class CampaignList(ResponseModel):
    """A page of campaigns, newest first; the next one is named by `Link: rel="next"`."""

    items: list[CampaignView]


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
    unsubscribed: int
    """got it as their last newsletter, and have left since"""
    unsubscribed_before: int
    """left before it came to them"""
    hours: list[HourView]


def campaign_routes(deps: Deps) -> list[Route]:
    """The staff part of mailer's API."""
    one = PATH + "/{id}"
    return [
        Route("POST", PATH, partial(_plan, deps), "Plan a campaign", body=CampaignBody,
              answers={201: CampaignView}, access=MARKETING, problems=[InvalidInput]),
        Route("GET", PATH, partial(_list, deps), "List campaigns", query=ListQuery,
              answers={200: CampaignList}, access=MARKETING),
        Route("GET", one, partial(_get, deps), "One campaign", answers={200: CampaignView}, access=MARKETING,
              answer_headers=["ETag"], problems=[NoSuchCampaign]),
        Route("PUT", one, partial(_edit, deps), "Change a campaign that has not begun", body=CampaignBody,
              answers={200: CampaignView}, access=MARKETING, headers=["If-Match"], answer_headers=["ETag"],
              problems=[InvalidInput, NoSuchCampaign, CampaignIsOver, CampaignHasBegun, CampaignChanged]),
        Route("POST", f"{one}/approve", partial(_approve, deps), "Approve a campaign as a second person",
              answers={200: CampaignView}, access=MARKETING, headers=["If-Match"], answer_headers=["ETag"],
              problems=[NoSuchCampaign, CampaignIsOver, OwnApproval, CampaignChanged]),
        Route("POST", f"{one}/pause", partial(_pause, deps), "Let a campaign rest", answers={200: CampaignView},
              access=MARKETING, answer_headers=["ETag"], problems=[NoSuchCampaign, CampaignIsOver]),
        Route("POST", f"{one}/resume", partial(_resume, deps), "Go on with a campaign", answers={200: CampaignView},
              access=MARKETING, answer_headers=["ETag"], problems=[NoSuchCampaign, CampaignIsOver]),
        Route("POST", f"{one}/cancel", partial(_cancel, deps), "Stop a campaign", answers={200: CampaignView},
              access=MARKETING, problems=[NoSuchCampaign, CampaignIsOver]),
        Route("GET", f"{one}/forecast", partial(_forecast, deps), "How many would get it",
              answers={200: ForecastView}, access=MARKETING, problems=[NoSuchCampaign]),
        Route("GET", f"{one}/report", partial(_report, deps), "How it has gone", answers={200: ReportView},
              access=MARKETING, problems=[NoSuchCampaign]),
    ]  # fmt: skip


async def _plan(deps: Deps, call: Call[CampaignBody, None]) -> Answer:
    campaign = await usecases.plan_campaign(deps, call.body.draft(), by=call.who.subject)
    return Answer(201, _view(campaign), headers={"Location": f"{PATH}/{campaign.id}"})


async def _list(deps: Deps, call: Call[None, ListQuery]) -> Answer:
    page, rest = await usecases.list_campaigns(deps, limit=call.query.limit, before=call.query.cursor)
    link = {"Link": f'<{PATH}?limit={call.query.limit}&cursor={rest}>; rel="next"'} if rest else {}
    return Answer(200, CampaignList(items=[_view(campaign) for campaign in page]), headers=link)


async def _get(deps: Deps, call: Call[None, None]) -> Answer:
    return _shown(await deps.campaigns.get(call.path("id")))


async def _edit(deps: Deps, call: Call[CampaignBody, None]) -> Answer:
    by, if_match = call.who.subject, call.header("If-Match")
    return _shown(await usecases.edit_campaign(deps, call.path("id"), call.body.draft(), by=by, if_match=if_match))


async def _approve(deps: Deps, call: Call[None, None]) -> Answer:
    by, if_match = call.who.subject, call.header("If-Match")
    return _shown(await usecases.approve_campaign(deps, call.path("id"), by=by, if_match=if_match))


async def _pause(deps: Deps, call: Call[None, None]) -> Answer:
    return _shown(await usecases.pause_campaign(deps, call.path("id")))


async def _resume(deps: Deps, call: Call[None, None]) -> Answer:
    return _shown(await usecases.resume_campaign(deps, call.path("id")))


def _shown(campaign: Campaign) -> Answer:
    return Answer(200, _view(campaign), headers={"ETag": usecases.tag_of(campaign)})


async def _cancel(deps: Deps, call: Call[None, None]) -> Answer:
    return Answer(200, _view(await usecases.cancel_campaign(deps, call.path("id"))))


async def _forecast(deps: Deps, call: Call[None, None]) -> Answer:
    campaign, outlook = await usecases.forecast_campaign(deps, call.path("id"))
    forecast, at = outlook.forecast, outlook.at
    return Answer(
        200,
        ForecastView(
            id=campaign.id,
            at=at,
            month=deps.settings.calendar.month_of(at),
            now=forecast.now,
            capped=forecast.capped,
            waiting=forecast.waiting,
            being_sent=forecast.being_sent,
            suppressed=forecast.suppressed,
            paused=forecast.paused,
            needs_approval=outlook.needs_approval,
        ),
    )


async def _report(deps: Deps, call: Call[None, None]) -> Answer:
    campaign, report = await usecases.report_campaign(deps, call.path("id"))
    return Answer(
        200,
        ReportView(
            id=campaign.id,
            state=campaign.state.value,
            accepted=report.accepted,
            deferred=report.deferred,
            refused=report.refused,
            unknown=report.unknown,
            capped=report.capped,
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
        ),
    )


def _view(campaign: Campaign) -> CampaignView:
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
    )
