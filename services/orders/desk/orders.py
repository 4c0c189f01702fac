"""The desk over HTTP: orders are found and taken from step to step. Every step is kept with who and when."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from services.orders.checkout.attempt import HEADER, BadIdempotencyKey, CardNumberInKey, read_key
from services.orders.deps import Deps
from services.orders.desk.order import DeskOrder, DeskSummary, desk_order_of, desk_summary_of
from services.orders.desk.requests import DeskQuery, RefundRequest, ShipmentRequest
from services.orders.life.change import ChangedMeanwhile, tag_of
from services.orders.life.domain import Order, OrderNotFound
from services.orders.life.lifeview import RefundView, refund_view
from services.orders.life.parcel import SerialTaken
from services.orders.life.refunds import CancelInstead, desk_refund, refund
from services.orders.life.shipping import NothingPaid, Parcel, deliver, prepare, ship, take_back
from services.orders.life.steps import IllegalStep, staff
from services.orders.life.store import Filter
from services.orders.payments.domain import NothingCaptured, RefundTooHigh, RefundUsedOtherwise
from shared.errors import InvalidInput
from shared.http.paging import cut, next_link
from shared.http.routes import Answer, Call, ResponseModel, Route, roles
from shared.personal import PersonErased

PATH = "/api/orders"
DESK = roles("support", "admin")
SUPPORT = roles("support")
Take = Callable[..., Awaitable[Order]]


class DeskList(ResponseModel):
    """A page of all orders, newest first, and how many there are in each status. Neither persons nor cards."""

    items: tuple[DeskSummary, ...]
    counts: Mapping[str, int]


def routes(deps: Deps) -> Sequence[Route]:
    """The desk's part of the contract that is about orders."""
    refusals = [OrderNotFound, IllegalStep, ChangedMeanwhile]
    simple = (("preparation", prepare, "An order is being packed"), ("delivery", deliver, "An order has arrived"),
              ("return", take_back, "An order has come back; the money of a withdrawal follows"))  # fmt: skip
    return [
        Route("GET", f"{PATH}/desk", partial(_list, deps), "All orders, for support", query=DeskQuery,
              answers={200: DeskList}, access=DESK),
        Route("GET", f"{PATH}/desk/{{id}}", partial(_one, deps), "One order, for support: neither person nor card",
              answers={200: DeskOrder}, access=DESK, problems=[OrderNotFound], answer_headers=["ETag"]),
        *(Route("POST", f"{PATH}/{{id}}/{name}", partial(_step, deps, take), summary, answers={200: DeskOrder},
                access=SUPPORT, problems=refusals, headers=["If-Match"], answer_headers=["ETag"])
          for name, take, summary in simple),
        Route("POST", f"{PATH}/{{id}}/shipment", partial(_ship, deps),
              "An order is handed to the carrier; each unit gets its serial number", body=ShipmentRequest,
              answers={200: DeskOrder}, access=SUPPORT, headers=["If-Match"], answer_headers=["ETag"],
              problems=[*refusals, InvalidInput, SerialTaken, NothingPaid, PersonErased]),
        Route("POST", f"{PATH}/{{id}}/refunds", partial(_refund, deps),
              "Money goes back, once for each Idempotency-Key, together never more than was captured",
              body=RefundRequest, answers={201: RefundView}, access=SUPPORT, headers=["If-Match"],
              answer_headers=["ETag"], required_headers=[HEADER],
              problems=[OrderNotFound, ChangedMeanwhile, BadIdempotencyKey, CardNumberInKey, InvalidInput,
                        NothingCaptured, RefundTooHigh, RefundUsedOtherwise, CancelInstead]),
    ]  # fmt: skip


async def _list(deps: Deps, call: Call[None, DeskQuery]) -> Answer:
    query = call.query
    only = Filter(query.number.strip().upper(), query.status, query.attention)
    page, has_more = cut(await deps.orders.newest(before=query.behind, limit=query.limit + 1, only=only), query)
    counts = {status.value: count for status, count in (await deps.orders.counts()).items()}
    headers = next_link(f"{PATH}/desk", query, page[-1].id, also=_kept(query)) if has_more else {}
    return Answer(200, DeskList(items=tuple(map(desk_summary_of, page)), counts=counts), headers=headers)


def _kept(query: DeskQuery) -> str:
    """What the next page asks again."""
    given = {"number": query.number, "status": query.status and query.status.value}
    wanted = {name: value for name, value in given.items() if value}
    return urlencode(wanted | {"attention": "true"} if query.attention else wanted)


async def _one(deps: Deps, call: Call[None, None]) -> Answer:
    return _answer(await deps.orders.get(call.path("id")))


async def _step(deps: Deps, take: Take, call: Call[None, None]) -> Answer:
    order = await deps.orders.get(call.path("id"))
    return _answer(await take(deps, order, **_asked(call)))


async def _ship(deps: Deps, call: Call[ShipmentRequest, None]) -> Answer:
    order = await deps.orders.get(call.path("id"))
    parcel = Parcel(call.body.carrier, call.body.tracking, call.body.serials)
    return _answer(await ship(deps, order, parcel, **_asked(call)))


async def _refund(deps: Deps, call: Call[RefundRequest, None]) -> Answer:
    key = read_key(*call.headers(HEADER))
    order = await deps.orders.get(call.path("id"))
    note = call.body.reason or ""
    wanted = desk_refund(deps, order, call.body.amount_minor, key=key, by=staff(call.who), note=note)
    changed = await refund(deps, order, wanted, if_match=call.header("If-Match"))
    return Answer(201, refund_view(changed.payment.refund(wanted.id) or wanted), headers={"ETag": tag_of(changed)})


def _asked(call: Call[Any, Any]) -> dict[str, Any]:
    return {"by": staff(call.who), "if_match": call.header("If-Match")}


def _answer(order: Order) -> Answer:
    return Answer(200, desk_order_of(order), headers={"ETag": tag_of(order)})
