"""The desk's claims over HTTP, for support. Who reads a claim is kept, and the claimant sees it."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from services.warranty.claims import desk
from services.warranty.claims.accesses import note_access
from services.warranty.claims.announce import claimant_of
from services.warranty.claims.domain import (
    ChangedMeanwhile,
    Claim,
    ClaimNotFound,
    OwnClaim,
    RemedyRefused,
    RemedyUnderWay,
    RepairOnly,
    SecondPersonNeeded,
    TooManyMessages,
)
from services.warranty.claims.requests import (
    DecisionRequest,
    MessageRequest,
    QueueQuery,
    ReceiptRequest,
    RefusalRequest,
    RepairRequest,
)
from services.warranty.claims.steps import IllegalStep
from services.warranty.claims.store import read_position, write_position
from services.warranty.claims.usecases import tag_of
from services.warranty.claims.views import DESK, PATH, DeskClaimSummary, DeskClaimView, desk_summary_of, desk_view_of
from services.warranty.deps import Deps
from shared.errors import InvalidInput
from shared.http.routes import Answer, Call, ResponseModel, Route, roles
from shared.personal import PersonErased

SUPPORT = roles("support")
_STEP = [ClaimNotFound, OwnClaim, IllegalStep, ChangedMeanwhile]
_TOLD = [*_STEP, TooManyMessages, PersonErased]
_DECIDED = [*_STEP, RepairOnly, SecondPersonNeeded, RemedyUnderWay, RemedyRefused]
Step = Callable[..., Awaitable[Claim]]


class ClaimQueue(ResponseModel):
    """Claims by when they are due; the next page is named by `Link: rel="next"`."""

    items: tuple[DeskClaimSummary, ...]


def desk_routes(deps: Deps) -> Sequence[Route]:
    """Support's part of the contract."""

    def step(name: str, summary: str, take: Step, body: Any = None, problems: Sequence[Any] = _STEP) -> Route:
        return Route("POST", f"{PATH}/{{id}}/{name}", partial(_step, deps, take), summary, body=body,
                     answers={200: DeskClaimView}, access=SUPPORT, headers=["If-Match"], answer_headers=["ETag"],
                     problems=list(problems))  # fmt: skip

    return [
        Route("GET", DESK, partial(_queue, deps), "Claims that wait for the staff, by when they are due",
              query=QueueQuery, answers={200: ClaimQueue}, access=SUPPORT, problems=[InvalidInput]),
        Route("GET", f"{DESK}/{{id}}", partial(_one, deps), "A claim, for the staff; its claimant sees who has looked",
              answers={200: DeskClaimView}, access=SUPPORT, problems=[ClaimNotFound], answer_headers=["ETag"]),
        step("decision", "Decide a claim; goodwill takes two persons", _decide, DecisionRequest, _DECIDED),
        step("review", "Begin to look at a claim", _review),
        step("questions", "Ask the claimant for something", _ask, MessageRequest, _TOLD),
        step("answers", "Write to the claimant", _write, MessageRequest, _TOLD),
        step("receipt", "The item has arrived", _receive, ReceiptRequest),
        step("release", "The item is the right one: go on with what was decided", _release),
        step("refusal", "The item is not what was sold", _refuse, RefusalRequest, [*_STEP, RemedyUnderWay]),
        step("repair", "The item is on the bench", _repair, RepairRequest, [*_STEP, InvalidInput]),
        step("return", "The repaired item is on its way back", _return),
    ]  # fmt: skip


async def _queue(deps: Deps, call: Call[None, QueueQuery]) -> Answer:
    query = call.query
    found = await deps.claims.queue(after=read_position(query.cursor), limit=query.limit + 1, status=query.status)
    page = found[: query.limit]
    headers = {}
    if len(found) > query.limit:
        also = f"&status={query.status.value}" if query.status else ""
        headers["Link"] = f'<{DESK}?limit={query.limit}&cursor={write_position(page[-1])}{also}>; rel="next"'
    return Answer(200, ClaimQueue(items=tuple(desk_summary_of(claim) for claim in page)), headers=headers)


async def _one(deps: Deps, call: Call[None, None]) -> Answer:
    claim = await _found(deps, call)
    await note_access(deps, call.who, claim)
    return await _shown(deps, claim)


async def _step(deps: Deps, take: Step, call: Call[Any, None]) -> Answer:
    claim = await _found(deps, call)
    return await _shown(deps, await take(deps, claim, call, call.header("If-Match")))


async def _decide(deps: Deps, claim: Claim, call: Call[DecisionRequest, None], if_match: str | None) -> Claim:
    asked = call.body
    remedy = asked.remedy(claim.wanted)
    return await desk.decide(
        deps, claim, call.who, remedy, note=asked.note, return_first=asked.return_first, if_match=if_match
    )


async def _review(deps: Deps, claim: Claim, call: Call[None, None], if_match: str | None) -> Claim:
    return await desk.review(deps, claim, call.who, if_match=if_match)


async def _ask(deps: Deps, claim: Claim, call: Call[MessageRequest, None], if_match: str | None) -> Claim:
    return await desk.ask_for_more(deps, claim, call.who, call.body.text, if_match=if_match)


async def _write(deps: Deps, claim: Claim, call: Call[MessageRequest, None], if_match: str | None) -> Claim:
    return await desk.write(deps, claim, call.who, call.body.text, if_match=if_match)


async def _receive(deps: Deps, claim: Claim, call: Call[ReceiptRequest, None], if_match: str | None) -> Claim:
    return await desk.receive(deps, claim, call.who, call.body.serial, if_match=if_match)


async def _release(deps: Deps, claim: Claim, call: Call[None, None], if_match: str | None) -> Claim:
    return await desk.go_on(deps, claim, call.who, if_match=if_match)


async def _refuse(deps: Deps, claim: Claim, call: Call[RefusalRequest, None], if_match: str | None) -> Claim:
    return await desk.refuse_item(deps, claim, call.who, note=call.body.note, if_match=if_match)


async def _repair(deps: Deps, claim: Claim, call: Call[RepairRequest, None], if_match: str | None) -> Claim:
    asked = call.body
    return await desk.begin_repair(
        deps, claim, call.who, asked.diagnosis, cost_minor=asked.cost_minor, if_match=if_match
    )


async def _return(deps: Deps, claim: Claim, call: Call[None, None], if_match: str | None) -> Claim:
    return await desk.return_repaired(deps, claim, call.who, if_match=if_match)


async def _found(deps: Deps, call: Call[Any, None]) -> Claim:
    claim = await deps.claims.find(call.path("id"))
    if claim is None:
        raise ClaimNotFound
    return claim


async def _shown(deps: Deps, claim: Claim) -> Answer:
    return Answer(200, desk_view_of(claim, await claimant_of(deps, claim)), headers={"ETag": tag_of(claim)})
