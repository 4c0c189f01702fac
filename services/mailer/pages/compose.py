"""Writing a campaign, and changing it while it has not begun. Times are the shop's own."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, StringConstraints

from services.mailer.campaigns.domain import Campaign, Content
from services.mailer.campaigns.requests import ContentBody, FollowUpBody
from services.mailer.campaigns.usecases import Draft, edit_campaign, plan_campaign, tag_of
from services.mailer.languages import LANGUAGES, Language
from services.mailer.pages.frame import PATH, Frame
from services.mailer.subscriptions.domain import TOPICS
from services.mailer.subscriptions.routes import Topic
from shared.errors import DomainError, FieldError, InvalidInput
from shared.http.context import who
from shared.http.frame import Seen
from shared.http.intake import Form, read_form
from shared.http.problems import status_of

LocalTime = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?$")]
"""As a browser sends it: no zone, the shop's is meant."""
_FORM = "%Y-%m-%dT%H:%M"


class CampaignForm(Seen):
    """An issue of the newsletter, as it is typed."""

    topic: Topic
    content: dict[Language, ContentBody] = Field(min_length=1, max_length=3)
    send_at: LocalTime
    not_after: LocalTime | None = None
    follow_up: FollowUpBody | None = None


def compose_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """A form for a new campaign, and one for a campaign that there is."""
    return [
        frame.get(f"{PATH}/new", _ask),
        frame.post(f"{PATH}/new", _plan),
        frame.get(f"{PATH}/{{id}}/edit", _show),
        frame.post(f"{PATH}/{{id}}/edit", _edit),
    ]


async def _ask(frame: Frame, request: web.Request) -> web.Response:
    return _form(frame, request, {"topic": TOPICS[0], "send_at": _local(frame, frame.deps.clock())})


async def _plan(frame: Frame, request: web.Request) -> web.Response:
    form = await read_form(request)
    try:
        campaign = await plan_campaign(frame.deps, _draft(frame, form.parse(CampaignForm)), by=who(request).subject)
    except DomainError as refusal:
        return _again(frame, request, form, refusal)
    raise web.HTTPSeeOther(f"{PATH}/{campaign.id}?done=planned")


async def _show(frame: Frame, request: web.Request) -> web.Response:
    campaign = await frame.deps.campaigns.get(request.match_info["id"])
    return _form(frame, request, _values(frame, campaign), campaign_id=campaign.id)


async def _edit(frame: Frame, request: web.Request) -> web.Response:
    campaign_id, form = request.match_info["id"], await read_form(request)
    try:
        typed = form.parse(CampaignForm)
        draft = _draft(frame, typed)
        await edit_campaign(frame.deps, campaign_id, draft, by=who(request).subject, if_match=typed.version)
    except DomainError as refusal:
        return _again(frame, request, form, refusal, campaign_id=campaign_id)
    raise web.HTTPSeeOther(f"{PATH}/{campaign_id}?done=edited")


def _again(
    frame: Frame, request: web.Request, form: Form, refusal: DomainError, *, campaign_id: str = ""
) -> web.Response:
    told = frame.refused(request, refusal)
    return _form(frame, request, form.shown, status=status_of(refusal), campaign_id=campaign_id, **told)


def _form(
    frame: Frame, request: web.Request, values: dict[str, Any], *, status: int = 200, campaign_id: str = "", **told: Any
) -> web.Response:
    words = frame.words(request)["compose"]
    return frame.show(
        request,
        "desk_compose.html",
        words["edit_title"] if campaign_id else words["title"],
        status,
        action=f"{PATH}/{campaign_id}/edit" if campaign_id else f"{PATH}/new",
        campaign_id=campaign_id,
        topics=TOPICS,
        languages=LANGUAGES,
        values=values,
        **told,
    )


def _draft(frame: Frame, form: CampaignForm) -> Draft:
    content = {language: Content(text.subject, text.markdown) for language, text in form.content.items()}
    not_after = None if form.not_after is None else _moment(frame, form.not_after, "/not_after")
    follow_up = None if form.follow_up is None else form.follow_up.follow_up()
    return Draft(form.topic, content, _moment(frame, form.send_at, "/send_at"), not_after, follow_up)


def _moment(frame: Frame, text: str, pointer: str) -> datetime:
    """What the shop's clock shows at that moment; a time that summer time skips is none."""
    zone = frame.deps.settings.calendar.zone
    try:
        local = datetime.fromisoformat(text)
        moment = local.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == local:
            return moment
    except (ValueError, OverflowError):
        pass
    raise InvalidInput(fields=[FieldError(pointer, "no-such-time", "There is no such time")])


def _local(frame: Frame, moment: datetime) -> str:
    return f"{moment.astimezone(frame.deps.settings.calendar.zone):{_FORM}}"


def _values(frame: Frame, campaign: Campaign) -> dict[str, Any]:
    values = {
        "topic": campaign.topic,
        "send_at": _local(frame, campaign.send_at),
        "not_after": _local(frame, campaign.not_after),
        "version": tag_of(campaign),
    }
    if campaign.follow_up is not None:
        values |= {"follow_up.after_days": str(campaign.follow_up.after_days)}
        values |= {"follow_up.skus": " ".join(campaign.follow_up.skus)}
    for language, text in campaign.content.items():
        values |= {f"content.{language}.subject": text.subject, f"content.{language}.markdown": text.markdown}
    return values
