"""The marketing desk by HTTP. Counts only: no answer to any role holds an address."""

from functools import partial

from services.mailer.campaigns import usecases
from services.mailer.campaigns.domain import (
    Campaign,
    CampaignChanged,
    CampaignHasBegun,
    CampaignIsOver,
    NoSuchCampaign,
    OwnApproval,
    TooManyTests,
)
from services.mailer.campaigns.preview import preview_campaign, send_test
from services.mailer.campaigns.requests import CampaignBody, ListQuery, PreviewQuery, TrialBody
from services.mailer.campaigns.views import (
    CampaignList,
    CampaignView,
    ForecastView,
    PreviewView,
    ReportView,
    TrialView,
    campaign_view,
    forecast_view,
    report_view,
)
from services.mailer.deps import Deps
from shared.errors import InvalidInput
from shared.http.routes import Answer, Call, Route, roles

PATH = "/api/mailer/campaigns"
MARKETING = roles("marketing", "admin")


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
        Route("GET", f"{one}/preview", partial(_preview, deps), "The mail as its readers get it", query=PreviewQuery,
              answers={200: PreviewView}, access=MARKETING, problems=[InvalidInput, NoSuchCampaign]),
        Route("POST", f"{one}/test", partial(_test, deps), "Send a copy to oneself", body=TrialBody,
              answers={200: TrialView}, access=MARKETING, problems=[InvalidInput, NoSuchCampaign, TooManyTests]),
        Route("POST", f"{one}/cancel", partial(_cancel, deps), "Stop a campaign", answers={200: CampaignView},
              access=MARKETING, problems=[NoSuchCampaign, CampaignIsOver]),
        Route("GET", f"{one}/forecast", partial(_forecast, deps), "How many would get it",
              answers={200: ForecastView}, access=MARKETING, problems=[NoSuchCampaign]),
        Route("GET", f"{one}/report", partial(_report, deps), "How it has gone", answers={200: ReportView},
              access=MARKETING, problems=[NoSuchCampaign]),
    ]  # fmt: skip


async def _plan(deps: Deps, call: Call[CampaignBody, None]) -> Answer:
    campaign = await usecases.plan_campaign(deps, call.body.draft(), by=call.who.subject)
    return Answer(201, campaign_view(campaign), headers={"Location": f"{PATH}/{campaign.id}"})


async def _list(deps: Deps, call: Call[None, ListQuery]) -> Answer:
    page, rest = await usecases.list_campaigns(deps, limit=call.query.limit, before=call.query.cursor)
    link = {"Link": f'<{PATH}?limit={call.query.limit}&cursor={rest}>; rel="next"'} if rest else {}
    return Answer(200, CampaignList(items=[campaign_view(campaign) for campaign in page]), headers=link)


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
    return Answer(200, campaign_view(campaign), headers={"ETag": usecases.tag_of(campaign)})


async def _preview(deps: Deps, call: Call[None, PreviewQuery]) -> Answer:
    campaign_id = call.path("id")
    seen = await preview_campaign(deps, campaign_id, call.query.language)
    view = PreviewView(id=campaign_id, language=seen.language, subject=seen.subject, text=seen.text, html=seen.html)
    return Answer(200, view)


async def _test(deps: Deps, call: Call[TrialBody, None]) -> Answer:
    language = await send_test(deps, call.path("id"), call.body.language, to=call.body.to)
    return Answer(200, TrialView(language=language))


async def _cancel(deps: Deps, call: Call[None, None]) -> Answer:
    return Answer(200, campaign_view(await usecases.cancel_campaign(deps, call.path("id"))))


async def _forecast(deps: Deps, call: Call[None, None]) -> Answer:
    campaign, outlook = await usecases.forecast_campaign(deps, call.path("id"))
    return Answer(200, forecast_view(campaign, outlook, deps.settings.calendar.month_of(outlook.at)))


async def _report(deps: Deps, call: Call[None, None]) -> Answer:
    campaign, report = await usecases.report_campaign(deps, call.path("id"))
    return Answer(200, report_view(campaign, report))
