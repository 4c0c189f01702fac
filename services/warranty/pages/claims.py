"""A claim, made in three steps on one page, and its story: what happened, what was written, what can be done."""

from collections.abc import Sequence

from aiohttp import web

from services.warranty.claims.announce import claimant_of
from services.warranty.claims.domain import MOST_PHOTOS, Claim, Problem, Remedy
from services.warranty.claims.requests import ClaimRequest, MessageRequest
from services.warranty.claims.steps import LEGAL, UNDECIDED, Status
from services.warranty.claims.usecases import Wish, cover_now, find_own, open_claim, say, tag_of, withdraw
from services.warranty.claims.views import view_of
from services.warranty.pages.frame import AnyQuery, Frame, link_of
from services.warranty.pages.photos import ACCEPT, FIELD, draw_all, sent_to
from services.warranty.photos.usecases import add_drawn, take_back
from services.warranty.records.usecases import get_purchase
from shared.errors import DomainError, FieldError, InvalidInput
from shared.http.frame import Seen
from shared.http.intake import Form, read_form, read_query
from shared.http.preferences import read_preferences
from shared.http.problems import status_of
from shared.http.uploads import TIMEOUT_S

PATH = "/warranty/claims"
SLOWER = dict.fromkeys((f"{PATH}/new", f"{PATH}/{{id}}/photos"), TIMEOUT_S)
"""Those that photos are sent to."""


class MessageForm(MessageRequest, Seen):
    """A message, to the claim as it was seen."""


def claim_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """For claimants."""
    return [
        frame.get(f"{PATH}/new", _ask),
        frame.post(f"{PATH}/new", _open),
        frame.get(f"{PATH}/{{id}}", _story),
        frame.post(f"{PATH}/{{id}}/messages", _say),
        frame.post(f"{PATH}/{{id}}/photos", _picture),
        frame.post(f"{PATH}/{{id}}/photos/{{photo}}/removal", _unpicture),
        frame.post(f"{PATH}/{{id}}/withdrawal", _withdraw),
    ]


async def _ask(frame: Frame, request: web.Request) -> web.Response:
    return await _form(frame, request, read_query(request, AnyQuery).purchase)


async def _open(frame: Frame, request: web.Request) -> web.Response:
    holder = await frame.holder(request)
    async with sent_to(frame, request) as sent:
        form = sent.form
        try:
            asked = form.parse(ClaimRequest)
            photos = await draw_all(frame, sent.files)
            language = read_preferences(request, frame.deps.settings).language
            wish = Wish(asked.problem, asked.wanted, asked.words, asked.serial, asked.goodwill, language)
            claim = await open_claim(frame.deps, holder, asked.purchase_id, wish)
        except DomainError as refusal:
            # `values`, not `shown`: an id whose digits happen to look like a card number is an id all the same
            return await _form(frame, request, form.values.get("purchase_id", ""), form, refusal)
    for photo in photos:
        claim, _ = await add_drawn(frame.deps, claim, photo)
    raise web.HTTPSeeOther(_address(claim, request, "claim"))


async def _form(
    frame: Frame, request: web.Request, purchase_id: str, form: Form | None = None, refusal: DomainError | None = None
) -> web.Response:
    record = await get_purchase(frame.deps, await frame.holder(request), purchase_id)
    refused = frame.refused(request, refusal) if refusal is not None else {}
    cover = excluded = cover_now(frame.deps, record)
    if refusal is not None and refusal.code == "not-covered":
        excluded = cover_now(frame.deps, record, Problem(form.shown["problem"]) if form else None)
        words = frame.words(request)
        told = words["claim"]["not_covered"] if excluded.allows_goodwill else words["refusals"][refusal.code]
        refused |= {"problem": told, "errors": {}, "faults": {}}
    return frame.show(
        request,
        "claim_new.html",
        frame.words(request)["claim"]["new_title"],
        status_of(refusal) if refusal is not None else 200,
        record=record,
        cover=cover,
        excluded=excluded,
        accept=ACCEPT,
        problems=[each.value for each in Problem],
        remedies=[each.value for each in Remedy if record.transferred_at is None or each is Remedy.REPAIR],
        values=form.shown if form is not None else {},
        **{name: value for name, value in refused.items() if name != "values"},
    )


async def _story(frame: Frame, request: web.Request) -> web.Response:
    return await _told(frame, request, await _own(frame, request))


async def _say(frame: Frame, request: web.Request) -> web.Response:
    claim, form = await _own(frame, request), await read_form(request)
    try:
        sent = form.parse(MessageForm)
        await say(frame.deps, claim, sent.text)  # whatever happened meanwhile: what was written is not lost
    except DomainError as refusal:
        return await _told(frame, request, claim, form, refusal)
    raise web.HTTPSeeOther(_address(claim, request, "message"))


async def _picture(frame: Frame, request: web.Request) -> web.Response:
    claim = await _own(frame, request)
    async with sent_to(frame, request) as sent:
        try:
            claim.refuse_unpicturable()
            if not sent.files:
                raise InvalidInput(fields=[FieldError(f"/{FIELD}", "missing", "a photo is needed")])
            photos = await draw_all(frame, sent.files)
            for photo in photos:
                claim, _ = await add_drawn(frame.deps, claim, photo)
        except DomainError as refusal:
            return await _told(frame, request, await _own(frame, request), sent.form, refusal)
    raise web.HTTPSeeOther(_address(claim, request, "photos"))


async def _unpicture(frame: Frame, request: web.Request) -> web.Response:
    claim, form = await _own(frame, request), await read_form(request)
    try:
        await take_back(frame.deps, claim, request.match_info["photo"])
    except DomainError as refusal:
        return await _told(frame, request, await _own(frame, request), form, refusal)
    raise web.HTTPSeeOther(_address(claim, request, "removal"))


async def _withdraw(frame: Frame, request: web.Request) -> web.Response:
    claim, form = await _own(frame, request), await read_form(request)
    try:
        await withdraw(frame.deps, claim, if_match=form.parse(Seen).version)
    except DomainError as refusal:
        return await _told(frame, request, await _own(frame, request), form, refusal)
    raise web.HTTPSeeOther(_address(claim, request, "withdrawal"))


async def _told(
    frame: Frame, request: web.Request, claim: Claim, form: Form | None = None, refusal: DomainError | None = None
) -> web.Response:
    view = view_of(claim, await claimant_of(frame.deps, claim))
    words = frame.words(request)["claim"]
    return frame.show(
        request,
        "claim.html",
        words["title"].format(number=claim.number),
        status_of(refusal) if refusal is not None else 200,
        claim=view,
        version=tag_of(claim),
        can_withdraw=Status.WITHDRAWN in LEGAL[claim.status] and not claim.saga.progress.value,
        can_write=claim.is_open,
        can_picture=claim.is_open and len(claim.photos) < MOST_PHOTOS,
        can_unpicture=claim.status in UNDECIDED,
        accept=ACCEPT,
        **({"values": form.shown} if form is not None else {}),
        **(frame.refused(request, refusal) if refusal is not None else {}),
    )


async def _own(frame: Frame, request: web.Request) -> Claim:
    return await find_own(frame.deps, await frame.holder(request), request.match_info["id"])


def _address(claim: Claim, request: web.Request, done: str) -> str:
    link = link_of(request)
    return f"{PATH}/{claim.id}{link}{'&' if link else '?'}done={done}"
