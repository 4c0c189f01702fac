"""The desk of warranty: one claim with the steps that are legal now."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from services.warranty.claims import desk
from services.warranty.claims.accesses import note_access
from services.warranty.claims.announce import claimant_of
from services.warranty.claims.domain import Claim, ClaimNotFound, Remedy
from services.warranty.claims.requests import (
    DecisionRequest,
    MessageRequest,
    ReceiptRequest,
    RefusalRequest,
    RepairRequest,
)
from services.warranty.claims.steps import LEGAL, UNDECIDED, Status
from services.warranty.claims.usecases import tag_of
from services.warranty.claims.views import desk_view_of
from services.warranty.pages.frame import Frame
from services.warranty.pages.queue import PATH, SUPPORT, show_queue
from shared.errors import DomainError
from shared.http.context import identity_of, who
from shared.http.frame import Seen
from shared.http.intake import Form, read_form
from shared.http.problems import status_of
from shared.identity import Identity

Take = Callable[[Frame, Claim, Identity, Form], Awaitable[Claim]]


class DecisionForm(DecisionRequest, Seen):
    """A decision on the claim as it was seen."""


class MessageForm(MessageRequest, Seen):
    """A message, likewise."""


class ReceiptForm(ReceiptRequest, Seen):
    """What arrived."""


class RepairForm(RepairRequest, Seen):
    """What was found."""


class RefusalForm(RefusalRequest, Seen):
    """Why it is refused."""


def desk_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """For support."""
    steps: dict[str, Take] = {
        "decision": _decide, "review": _review, "questions": _ask, "answers": _write, "receipt": _receive,
        "release": _release, "refusal": _refuse, "repair": _repair, "return": _return,
    }  # fmt: skip
    return [
        frame.get(PATH, show_queue),
        frame.get(f"{PATH}/claims/{{id}}", _one),
        *(frame.post(f"{PATH}/claims/{{id}}/{name}", partial(_step, name, take)) for name, take in steps.items()),
    ]


async def _one(frame: Frame, request: web.Request) -> web.Response:
    SUPPORT.check(identity_of(request))
    claim = await _found(frame, request)
    await note_access(frame.deps, who(request), claim)
    return await _told(frame, request, claim)


async def _step(name: str, take: Take, frame: Frame, request: web.Request) -> web.Response:
    SUPPORT.check(identity_of(request))
    form, claim = await read_form(request), await _found(frame, request)
    try:
        await take(frame, claim, who(request), form)
    except DomainError as refusal:
        return await _told(frame, request, await _found(frame, request), form, refusal)
    raise web.HTTPSeeOther(f"{PATH}/claims/{claim.id}?done={name}")


async def _told(
    frame: Frame, request: web.Request, claim: Claim, form: Form | None = None, refusal: DomainError | None = None
) -> web.Response:
    words = frame.words(request)["claim"]
    context: dict[str, Any] = {
        "claim": desk_view_of(claim, await claimant_of(frame.deps, claim)),
        "version": tag_of(claim),
        "action": f"{PATH}/claims/{claim.id}",
        "next": {status.value for status in LEGAL[claim.status]},
        "can_decide": claim.status in UNDECIDED,
        "waits_for_second": claim.proposed is not None and claim.status in UNDECIDED,
        "proposes_return": claim.proposed is not None and claim.proposed.return_first,
        "may_release": claim.status is Status.RECEIVED and claim.decision is not None
        and claim.decision.remedy is not Remedy.REPAIR,
        "may_repair": claim.status is Status.RECEIVED and claim.decision is not None
        and claim.decision.remedy is Remedy.REPAIR,
        "remedies": [each.value for each in Remedy],
        "serials": await frame.deps.purchases.serials(claim.item.purchase_id),
        "values": form.shown if form is not None else {},
    }  # fmt: skip
    if refusal is not None:
        context |= frame.refused(request, refusal)
    status = status_of(refusal) if refusal is not None else 200
    return frame.show(request, "desk_claim.html", words["title"].format(number=claim.number), status, **context)


async def _decide(frame: Frame, claim: Claim, who: Identity, form: Form) -> Claim:
    sent = form.parse(DecisionForm)
    remedy = sent.remedy(claim.wanted)
    return await desk.decide(
        frame.deps, claim, who, remedy, note=sent.note, return_first=sent.return_first, if_match=sent.version
    )


async def _review(frame: Frame, claim: Claim, who: Identity, form: Form) -> Claim:
    return await desk.review(frame.deps, claim, who, if_match=form.parse(Seen).version)


async def _ask(frame: Frame, claim: Claim, who: Identity, form: Form) -> Claim:
    sent = form.parse(MessageForm)
    return await desk.ask_for_more(frame.deps, claim, who, sent.text, if_match=sent.version)


async def _write(frame: Frame, claim: Claim, who: Identity, form: Form) -> Claim:
    sent = form.parse(MessageForm)
    return await desk.write(frame.deps, claim, who, sent.text, if_match=sent.version)


async def _receive(frame: Frame, claim: Claim, who: Identity, form: Form) -> Claim:
    sent = form.parse(ReceiptForm)
    return await desk.receive(frame.deps, claim, who, sent.serial, if_match=sent.version)


async def _release(frame: Frame, claim: Claim, who: Identity, form: Form) -> Claim:
    return await desk.go_on(frame.deps, claim, who, if_match=form.parse(Seen).version)


async def _refuse(frame: Frame, claim: Claim, who: Identity, form: Form) -> Claim:
    sent = form.parse(RefusalForm)
    return await desk.refuse_item(frame.deps, claim, who, note=sent.note, if_match=sent.version)


async def _repair(frame: Frame, claim: Claim, who: Identity, form: Form) -> Claim:
    sent = form.parse(RepairForm)
    return await desk.begin_repair(
        frame.deps, claim, who, sent.diagnosis, cost_minor=sent.cost_minor, if_match=sent.version
    )


async def _return(frame: Frame, claim: Claim, who: Identity, form: Form) -> Claim:
    return await desk.return_repaired(frame.deps, claim, who, if_match=form.parse(Seen).version)


async def _found(frame: Frame, request: web.Request) -> Claim:
    claim = await frame.deps.claims.find(request.match_info["id"])
    if claim is None:
        raise ClaimNotFound
    return claim
