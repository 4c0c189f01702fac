"""Claims over HTTP, for their claimants: an account, or a guest with the link to their order."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from services.warranty.claims.announce import claimant_of
from services.warranty.claims.domain import (
    ChangedMeanwhile,
    Claim,
    ClaimNotFound,
    ClaimOpen,
    NotCovered,
    RepairOnly,
    TooManyClaims,
    TooManyMessages,
)
from services.warranty.claims.requests import ClaimRequest, ClaimsQuery, MessageRequest
from services.warranty.claims.steps import IllegalStep
from services.warranty.claims.usecases import Wish, find_own, open_claim, say, tag_of, withdraw
from services.warranty.claims.views import PATH, ClaimSummary, ClaimView, summary_of, view_of
from services.warranty.deps import Deps
from services.warranty.records.domain import PurchaseNotFound
from services.warranty.records.routes import LinkQuery, asking
from shared.http.paging import cut, next_link
from shared.http.preferences import read_preferences
from shared.http.routes import Answer, Call, ResponseModel, Route, Unauthenticated
from shared.personal import PersonErased

_NOT_YOURS = [Unauthenticated, PurchaseNotFound, ClaimNotFound]


class ClaimList(ResponseModel):
    """A page of claims, newest first."""

    items: tuple[ClaimSummary, ...]


def claim_routes(deps: Deps) -> Sequence[Route]:
    """The claimant's part of the contract."""
    return [
        Route("POST", PATH, partial(_open, deps), "Claim an item: the rules may decide at once", body=ClaimRequest,
              query=LinkQuery, answers={201: ClaimView}, answer_headers=["ETag"],
              problems=[Unauthenticated, PurchaseNotFound, NotCovered, RepairOnly, ClaimOpen, TooManyClaims,
                        PersonErased]),
        Route("GET", PATH, partial(_list, deps), "Your claims, newest first", query=ClaimsQuery,
              answers={200: ClaimList}, problems=[Unauthenticated, PurchaseNotFound]),
        Route("GET", f"{PATH}/{{id}}", partial(_one, deps), "One of your claims, with its history", query=LinkQuery,
              answers={200: ClaimView}, problems=_NOT_YOURS, answer_headers=["ETag"]),
        Route("POST", f"{PATH}/{{id}}/messages", partial(_say, deps), "Write to the staff about a claim",
              body=MessageRequest, query=LinkQuery, answers={201: ClaimView}, headers=["If-Match"],
              answer_headers=["ETag"], problems=[*_NOT_YOURS, TooManyMessages, ChangedMeanwhile, PersonErased]),
        Route("POST", f"{PATH}/{{id}}/withdrawal", partial(_withdraw, deps), "Take a claim back", query=LinkQuery,
              answers={200: ClaimView}, headers=["If-Match"], answer_headers=["ETag"],
              problems=[*_NOT_YOURS, IllegalStep, ChangedMeanwhile]),
    ]  # fmt: skip


async def _open(deps: Deps, call: Call[ClaimRequest, LinkQuery]) -> Answer:
    holder, asked = await asking(deps, call), call.body
    language = asked.language or read_preferences(call.request, deps.settings).language
    wish = Wish(asked.problem, asked.wanted, asked.words, asked.serial, asked.goodwill, language)
    claim = await open_claim(deps, holder, asked.purchase_id, wish)
    return await _shown(deps, claim, 201, {"Location": f"{PATH}/{claim.id}"})


async def _list(deps: Deps, call: Call[None, ClaimsQuery]) -> Answer:
    holder, query = await asking(deps, call), call.query.page
    found = await deps.claims.of_holder(holder.key, before=query.behind, limit=query.limit + 1)
    page, has_more = cut(found, query)
    also = f"order={call.query.order}&t={call.query.t}" if call.query.order else ""
    headers = next_link(PATH, query, page[-1].id, also=also) if has_more else {}
    return Answer(200, ClaimList(items=tuple(summary_of(claim) for claim in page)), headers=headers)


async def _one(deps: Deps, call: Call[None, LinkQuery]) -> Answer:
    return await _shown(deps, await _own(deps, call), 200)


async def _say(deps: Deps, call: Call[MessageRequest, LinkQuery]) -> Answer:
    claim = await say(deps, await _own(deps, call), call.body.text, if_match=call.header("If-Match"))
    return await _shown(deps, claim, 201)


async def _withdraw(deps: Deps, call: Call[None, LinkQuery]) -> Answer:
    claim = await withdraw(deps, await _own(deps, call), if_match=call.header("If-Match"))
    return await _shown(deps, claim, 200)


async def _own(deps: Deps, call: Call[Any, LinkQuery]) -> Claim:
    return await find_own(deps, await asking(deps, call), call.path("id"))


async def _shown(deps: Deps, claim: Claim, status: int, headers: dict[str, str] | None = None) -> Answer:
    view = view_of(claim, await claimant_of(deps, claim))
    return Answer(status, view, headers={"ETag": tag_of(claim)} | (headers or {}))
