"""The queue of the role fraud: orders that screening has set aside, why, and what is found. No person and no digit."""

from collections.abc import Sequence
from datetime import timedelta

from aiohttp import web
from pydantic import Field

from services.orders.life.change import tag_of
from services.orders.life.domain import Order
from services.orders.life.steps import Status, staff
from services.orders.pages.frame import Frame
from services.orders.screening.domain import Finding, Kind
from services.orders.screening.review import review
from services.orders.screening.routes import FRAUD, detail_of, review_view_of, screened_order
from shared.errors import DomainError
from shared.http.context import identity_of, who
from shared.http.frame import Seen
from shared.http.intake import read_form, read_query
from shared.http.paging import PageQuery, cut, next_address
from shared.http.problems import status_of
from shared.http.reasons import Reason

PATH = "/desk/orders/reviews"
_ONE_HAND = (Kind.CARD, Kind.EMAIL, Kind.ADDRESS)
"""What goes on the block list by one tick; a network is shared by many, and takes a decision of its own."""


class FindingForm(Seen):
    """What was found, and whether what the order is recognised by goes on the block list."""

    outcome: Finding
    note: Reason
    block: bool = Field(default=False)


def review_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """Fixed paths: they come before `/desk/orders/{id}`."""
    return [
        frame.get(PATH, _waiting),
        frame.get(f"{PATH}/{{id}}", _one),
        frame.post(f"{PATH}/{{id}}/decision", _decide),
    ]


async def _waiting(frame: Frame, request: web.Request) -> web.Response:
    FRAUD.check(identity_of(request))
    query, deps = read_query(request, PageQuery), frame.deps
    now = deps.clock() + timedelta(seconds=1)
    found = await deps.orders.standing_since(Status.IN_REVIEW, now, limit=query.limit + 1, behind=query.behind)
    page, has_more = cut(found, query)
    return frame.show(
        request,
        "reviews.html",
        frame.words(request)["review"]["title"],
        orders=[review_view_of(deps, order) for order in page],
        newer=next_address(PATH, query, page[-1].id) if has_more else "",
    )


async def _one(frame: Frame, request: web.Request) -> web.Response:
    FRAUD.check(identity_of(request))
    return await _show(frame, request, await screened_order(frame.deps, request.match_info["id"]))


async def _show(frame: Frame, request: web.Request, order: Order, status: int = 200, **over: object) -> web.Response:
    title = frame.words(request)["order"]["title"].format(number=order.number)
    context = {"order": await detail_of(frame.deps, order), "version": tag_of(order)}
    return frame.show(request, "review.html", title, status, **(context | over))


async def _decide(frame: Frame, request: web.Request) -> web.Response:
    FRAUD.check(identity_of(request))
    form = await read_form(request)
    order = await screened_order(frame.deps, request.match_info["id"])
    try:
        sent = form.parse(FindingForm)
        block = _ONE_HAND if sent.block and sent.outcome is Finding.REJECT else ()
        by = staff(who(request))
        await review(frame.deps, order, sent.outcome, by=by, note=sent.note, block=block, if_match=sent.version)
    except DomainError as refusal:
        told = frame.refused(request, refusal, labels=frame.words(request)["review"]["fields"])
        now = await frame.deps.orders.get(order.id)
        return await _show(frame, request, now, status_of(refusal), values=form.shown, **told)
    raise web.HTTPSeeOther(f"{PATH}/{order.id}?done=reviewed")
