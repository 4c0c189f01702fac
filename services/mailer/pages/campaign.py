"""One campaign: what it is and what can be done, its preview, its forecast, its report."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated

from aiohttp import web
from markupsafe import Markup
from pydantic import Field

from services.mailer.campaigns import usecases
from services.mailer.campaigns.domain import Campaign, CampaignState
from services.mailer.campaigns.preview import preview_campaign, send_test
from services.mailer.campaigns.requests import TrialBody
from services.mailer.languages import DEFAULT, Language
from services.mailer.pages.frame import PATH, Frame
from services.mailer.sending.domain import Result
from shared.errors import DomainError
from shared.http.context import who
from shared.http.frame import Seen
from shared.http.intake import Form, read_form, read_query
from shared.http.problems import status_of
from shared.http.routes import RequestModel

Step = Callable[[Frame, web.Request, str, Form], Awaitable[object]]


class PreviewQuery(RequestModel):
    """Whose mail is shown."""

    language: Language = DEFAULT
    done: Annotated[str, Field(max_length=40)] = ""


def campaign_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """Four pages and five steps."""
    one = f"{PATH}/{{id}}"
    steps: dict[str, Step] = {
        "approve": _approve, "pause": _pause, "resume": _resume, "cancel": _cancel, "test": _test,
    }  # fmt: skip
    return [
        frame.get(one, _one),
        frame.get(f"{one}/preview", _preview),
        frame.get(f"{one}/forecast", _forecast),
        frame.get(f"{one}/report", _report),
        *(frame.post(f"{one}/{name}", partial(_step, name, step)) for name, step in steps.items()),
    ]


async def _one(frame: Frame, request: web.Request) -> web.Response:
    return await _told(frame, request)


async def _step(name: str, step: Step, frame: Frame, request: web.Request) -> web.Response:
    campaign_id, form = request.match_info["id"], await read_form(request)
    try:
        await step(frame, request, campaign_id, form)
    except DomainError as refusal:
        return await _told(frame, request, form, refusal)
    raise web.HTTPSeeOther(f"{PATH}/{campaign_id}?done={name}")


async def _told(
    frame: Frame, request: web.Request, form: Form | None = None, refusal: DomainError | None = None
) -> web.Response:
    campaign, outlook = await usecases.forecast_campaign(frame.deps, request.match_info["id"])
    told = {} if refusal is None else frame.refused(request, refusal)
    rests = campaign.state is CampaignState.PAUSED
    return frame.show(
        request,
        "desk_campaign.html",
        _title(frame, request, campaign),
        200 if refusal is None else status_of(refusal),
        campaign=campaign,
        version=usecases.tag_of(campaign),
        needs_approval=outlook.needs_approval,
        is_open=campaign.is_open,
        can_edit=(campaign.is_open or rests) and campaign.began_at is None,
        can_resume=rests,
        can_cancel=campaign.is_open or rests,
        values={} if form is None else form.shown,
        **told,
    )


async def _preview(frame: Frame, request: web.Request) -> web.Response:
    campaign = await frame.deps.campaigns.get(request.match_info["id"])
    seen = await preview_campaign(frame.deps, campaign.id, read_query(request, PreviewQuery).language)
    return frame.show(
        request,
        "desk_preview.html",
        frame.words(request)["preview"]["title"],
        campaign=campaign,
        seen=seen,
        body=Markup(seen.body),  # noqa: S704 - made from Markdown without raw HTML; an invented name
    )


async def _forecast(frame: Frame, request: web.Request) -> web.Response:
    campaign, outlook = await usecases.forecast_campaign(frame.deps, request.match_info["id"])
    calendar = frame.deps.settings.calendar
    return frame.show(
        request,
        "desk_forecast.html",
        frame.words(request)["forecast"]["title"],
        campaign=campaign,
        outlook=outlook,
        place=calendar.place_at(outlook.at),
        edge_ends=calendar.edge_ends(outlook.at),
    )


async def _report(frame: Frame, request: web.Request) -> web.Response:
    campaign, report = await usecases.report_campaign(frame.deps, request.match_info["id"])
    most = max((hour.results[Result.ACCEPTED] for hour in report.hours), default=0)
    bars = [(hour, round(100 * hour.results[Result.ACCEPTED] / most) if most else 0) for hour in report.hours]
    return frame.show(
        request,
        "desk_report.html",
        frame.words(request)["report"]["title"],
        campaign=campaign,
        report=report,
        bars=bars,
        accepted=Result.ACCEPTED,
        refused=Result.REFUSED,
        unknown=Result.UNKNOWN,
    )


def _title(frame: Frame, request: web.Request, campaign: Campaign) -> str:
    return campaign.content_for(frame.rendered.language_of(request))[1].subject


async def _approve(frame: Frame, request: web.Request, campaign_id: str, form: Form) -> object:
    if_match = form.parse(Seen).version
    return await usecases.approve_campaign(frame.deps, campaign_id, by=who(request).subject, if_match=if_match)


async def _pause(frame: Frame, _request: web.Request, campaign_id: str, _form: Form) -> object:
    return await usecases.pause_campaign(frame.deps, campaign_id)


async def _resume(frame: Frame, _request: web.Request, campaign_id: str, _form: Form) -> object:
    return await usecases.resume_campaign(frame.deps, campaign_id)


async def _cancel(frame: Frame, _request: web.Request, campaign_id: str, _form: Form) -> object:
    return await usecases.cancel_campaign(frame.deps, campaign_id)


async def _test(frame: Frame, _request: web.Request, campaign_id: str, form: Form) -> object:
    wanted = form.parse(TrialBody)
    return await send_test(frame.deps, campaign_id, wanted.language, to=wanted.to)
