"""What support does with an order. Each form carries the version that was seen: of a stale one nothing is done."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from aiohttp import web
from pydantic import Field

from services.orders.checkout.attempt import read_key
from services.orders.desk.orders import SUPPORT
from services.orders.desk.requests import RefundRequest, ShipmentRequest
from services.orders.life.cancel import cancel
from services.orders.life.domain import Order
from services.orders.life.refunds import desk_refund, refund
from services.orders.life.shipping import Parcel, deliver, prepare, ship, take_back
from services.orders.life.steps import staff
from services.orders.pages.desk.listing import PATH
from services.orders.pages.desk.money import to_minor
from services.orders.pages.desk.order import again
from services.orders.pages.frame import Frame
from services.orders.payments.domain import RefundTooHigh
from shared.errors import DomainError, FieldError, InvalidInput
from shared.http.context import identity_of, who
from shared.http.frame import Seen
from shared.http.intake import Form, read_form

_SIMPLE: Sequence[tuple[str, Callable[..., Awaitable[Order]]]] = (
    ("preparation", prepare),
    ("delivery", deliver),
    ("return", take_back),
    ("cancel", cancel),
)


class ShipmentForm(ShipmentRequest, Seen):
    """A parcel."""


class RefundForm(Seen):
    """Money to go back, as people write it."""

    amount: str = Field(max_length=20)
    why: str = ""
    key: str


def step_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """For support."""
    return [
        *(frame.post(f"{PATH}/{{id}}/{name}", partial(_step, name, take)) for name, take in _SIMPLE),
        frame.post(f"{PATH}/{{id}}/shipment", _ship),
        frame.post(f"{PATH}/{{id}}/refunds", _refund),
    ]


async def _step(name: str, take: Callable[..., Awaitable[Order]], frame: Frame, request: web.Request) -> web.Response:
    async def taken(order: Order, by: str, form: Form) -> None:
        await take(frame.deps, order, by=by, if_match=form.parse(Seen).version)

    return await _taken(frame, request, name, taken)


async def _ship(frame: Frame, request: web.Request) -> web.Response:
    async def shipped(order: Order, by: str, form: Form) -> None:
        sent = form.parse(ShipmentForm)
        parcel = Parcel(sent.carrier, sent.tracking, sent.serials)
        await ship(frame.deps, order, parcel, by=by, if_match=sent.version)

    return await _taken(frame, request, "shipment", shipped)


async def _refund(frame: Frame, request: web.Request) -> web.Response:
    async def refunded(order: Order, by: str, form: Form) -> None:
        sent = form.parse(RefundForm)
        minor = to_minor(sent.amount, order.currency)
        asked = Form({"amount_minor": str(minor), "reason": sent.why}).parse(RefundRequest)
        note, key = asked.reason or "", read_key(sent.key)
        wanted = desk_refund(frame.deps, order, asked.amount_minor, key=key, by=by, note=note)
        try:
            await refund(frame.deps, order, wanted, if_match=sent.version)
        except RefundTooHigh as high:
            raise InvalidInput(fields=[FieldError("/amount", high.code, high.detail)]) from None

    return await _taken(frame, request, "refunds", refunded)


async def _taken(
    frame: Frame, request: web.Request, name: str, take: Callable[[Order, str, Form], Awaitable[None]]
) -> web.Response:
    """Take the step and show the order again; or the order as it stands, and why the step was not taken."""
    SUPPORT.check(identity_of(request))
    form = await read_form(request)
    order = await frame.deps.orders.get(request.match_info["id"])
    try:
        await take(order, staff(who(request)), form)
    except DomainError as refusal:
        return await again(frame, request, refusal, f"{name}_fields", values=form.shown)
    raise web.HTTPSeeOther(f"{PATH}/{order.id}?done=desk-{name}")
