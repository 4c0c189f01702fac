"""Screening over HTTP, for the role fraud: what waits for a review, and the block list. No person and no digit."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from services.orders.deps import Deps
from services.orders.life.change import ChangedMeanwhile, tag_of
from services.orders.life.domain import Order, OrderNotFound
from services.orders.life.steps import Status
from services.orders.screening.blocks import Block, BlockNotFound
from services.orders.screening.domain import Finding, Kind
from services.orders.screening.review import NotInReview, ReviewedOtherwise, note_of, review
from shared.http.paging import PageQuery, cut, next_link
from shared.http.reasons import Reason
from shared.http.routes import Answer, Call, RequestModel, ResponseModel, Route, roles

REVIEWS = "/api/orders/screening/reviews"
BLOCKS = "/api/orders/screening/blocks"
FRAUD = roles("fraud")
Kinds = Annotated[tuple[Kind, ...], Field(max_length=len(Kind))]


class HitView(ResponseModel):
    """A rule that fired, and its reason."""

    rule: str
    decision: str
    reason: str


class ReviewView(ResponseModel):
    """An order that somebody has to look at, or has looked at. Money in minor units of `currency`."""

    id: str
    number: str
    status: str
    total_minor: int
    currency: str
    units: int
    country: str
    """Where the parcel goes."""
    card_country: str
    """Where the card is from; empty where that is not known."""
    has_account: bool
    decision: str
    rules: tuple[HitView, ...]
    rules_version: str
    created_at: AwareDatetime
    age_s: int
    finding: str
    """Empty until somebody has decided."""


class ReviewDetail(ReviewView):
    """The same, with what was decided."""

    note: str
    reviewed_by: str
    reviewed_at: AwareDatetime | None
    listed: tuple[Kind, ...]
    """What of the order is on the block list."""


class ReviewList(ResponseModel):
    """A page of what waits, oldest first."""

    items: tuple[ReviewView, ...]


class FindingRequest(RequestModel):
    """What you have found. With `block`, what the order is recognised by goes on the block list; only when rejected."""

    outcome: Finding
    note: Reason
    block: Kinds = ()


class BlockRequest(RequestModel):
    """Put what an order is recognised by on the block list."""

    order_id: Annotated[str, Field(min_length=1, max_length=100)]
    kinds: Annotated[Kinds, Field(min_length=1)]


class BlockView(ResponseModel):
    """One entry."""

    id: str
    kind: Kind
    by: str
    at: AwareDatetime
    note: str


class BlockList(ResponseModel):
    """A page of the block list."""

    items: tuple[BlockView, ...]


def routes(deps: Deps) -> Sequence[Route]:
    """Screening's part of the contract."""
    return [
        Route("GET", REVIEWS, partial(_waiting, deps), "Orders that wait for a review, oldest first", query=PageQuery,
              answers={200: ReviewList}, access=FRAUD),
        Route("GET", f"{REVIEWS}/{{id}}", partial(_one, deps), "Why an order waits, or was refused",
              answers={200: ReviewDetail}, access=FRAUD, problems=[OrderNotFound], answer_headers=["ETag"]),
        Route("POST", f"{REVIEWS}/{{id}}/decision", partial(_decide, deps),
              "Approve, and the money is taken; or reject, and it is given up and the order cancelled",
              body=FindingRequest, answers={200: ReviewDetail}, access=FRAUD, headers=["If-Match"],
              problems=[OrderNotFound, NotInReview, ReviewedOtherwise, ChangedMeanwhile], answer_headers=["ETag"]),
        Route("GET", BLOCKS, partial(_blocks, deps), "The block list", query=PageQuery, answers={200: BlockList},
              access=FRAUD),
        Route("POST", BLOCKS, partial(_block, deps), "Block what an order is recognised by", body=BlockRequest,
              answers={201: BlockList}, access=FRAUD, problems=[OrderNotFound]),
        Route("DELETE", f"{BLOCKS}/{{id}}", partial(_unblock, deps), "Take an entry off the block list", access=FRAUD,
              problems=[BlockNotFound]),
    ]  # fmt: skip


async def _waiting(deps: Deps, call: Call[None, PageQuery]) -> Answer:
    query, now = call.query, deps.clock() + timedelta(seconds=1)
    found = await deps.orders.standing_since(Status.IN_REVIEW, now, limit=query.limit + 1, behind=query.behind)
    page, has_more = cut(found, query)
    headers = next_link(REVIEWS, query, page[-1].id) if has_more else {}
    return Answer(200, ReviewList(items=tuple(review_view_of(deps, order) for order in page)), headers=headers)


async def _one(deps: Deps, call: Call[None, None]) -> Answer:
    return await _detail(deps, await screened_order(deps, call.path("id")))


async def _decide(deps: Deps, call: Call[FindingRequest, None]) -> Answer:
    body, order = call.body, await screened_order(deps, call.path("id"))
    decided = await review(
        deps,
        order,
        body.outcome,
        by=_staff(call),
        note=body.note,
        block=body.block if body.outcome is Finding.REJECT else (),
        if_match=call.header("If-Match"),
    )
    return await _detail(deps, decided)


async def _blocks(deps: Deps, call: Call[None, PageQuery]) -> Answer:
    query = call.query
    page, has_more = cut(await deps.blocks.entries(behind=query.behind, limit=query.limit + 1), query)
    headers = next_link(BLOCKS, query, page[-1].id) if has_more else {}
    return Answer(200, BlockList(items=tuple(map(block_view, page))), headers=headers)


async def _block(deps: Deps, call: Call[BlockRequest, None]) -> Answer:
    order = await deps.orders.get(call.body.order_id)
    marks = {kind: mark for kind, mark in order.marks.present.items() if kind in call.body.kinds}
    blocks = [Block(kind, mark, _staff(call), deps.clock(), f"order {order.number}") for kind, mark in marks.items()]
    for block in blocks:
        await deps.blocks.add(block)
    return Answer(201, BlockList(items=tuple(map(block_view, blocks))))


async def _unblock(deps: Deps, call: Call[None, None]) -> Answer:
    if not await deps.blocks.remove(call.path("id")):
        raise BlockNotFound
    return Answer(204)


async def screened_order(deps: Deps, order_id: str) -> Order:
    """An order that was screened.

    Raises:
        OrderNotFound: there is none, or it never was.
    """
    order = await deps.orders.get(order_id)
    if order.screening is None:
        raise OrderNotFound
    return order


async def _detail(deps: Deps, order: Order) -> Answer:
    return Answer(200, await detail_of(deps, order), headers={"ETag": tag_of(order)})


async def detail_of(deps: Deps, order: Order) -> ReviewDetail:
    """A screened order for whoever decides."""
    decided = order.review
    seen = await deps.screener.tallies.look(order.marks, "", at=deps.clock())
    return ReviewDetail(
        **_shown(deps, order),
        note=await note_of(deps, order),
        reviewed_by=decided.by if decided else "",
        reviewed_at=decided.at if decided else None,
        listed=tuple(sorted(seen.listed)),
    )


def review_view_of(deps: Deps, order: Order) -> ReviewView:
    """A screened order in the queue."""
    return ReviewView(**_shown(deps, order))


def _shown(deps: Deps, order: Order) -> dict[str, Any]:
    assert order.screening is not None
    verdict = order.screening
    return {
        "id": order.id,
        "number": order.number,
        "status": order.status.value,
        "total_minor": order.total_minor,
        "currency": order.currency,
        "units": order.units,
        "country": order.country,
        "card_country": verdict.card_country,
        "has_account": bool(order.account_id),
        "decision": verdict.decision.value,
        "rules": tuple(HitView(rule=hit.rule, decision=hit.decision.value, reason=hit.reason) for hit in verdict.hits),
        "rules_version": verdict.rules_version,
        "created_at": order.created_at,
        "age_s": int((deps.clock() - order.created_at).total_seconds()),
        "finding": order.review.finding.value if order.review else "",
    }


def _staff(call: Call[Any, Any]) -> str:
    return f"staff:{call.who.subject}"


def block_view(block: Block) -> BlockView:
    """An entry, as the role fraud sees it."""
    return BlockView(id=block.id, kind=block.kind, by=block.by, at=block.at, note=block.note)
