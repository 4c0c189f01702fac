"""One order at the desk, and whom it is for."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from babel.numbers import get_currency_precision

from services.orders.desk.order import desk_order_of
from services.orders.desk.orders import DESK, SUPPORT
from services.orders.desk.routes import Look
from services.orders.desk.usecases import look_at_contact
from services.orders.life.change import tag_of
from services.orders.life.domain import Order
from services.orders.pages.addresses import postal_lines
from services.orders.pages.desk.listing import PATH
from services.orders.pages.frame import Frame
from shared.errors import DomainError
from shared.http.context import identity_of, who
from shared.http.intake import read_form
from shared.http.problems import status_of


def order_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """For support."""
    return [frame.get(f"{PATH}/{{id}}", _order), frame.post(f"{PATH}/{{id}}/contact", _contact)]


async def show_order(frame: Frame, request: web.Request, order: Order, status: int = 200, **over: Any) -> web.Response:
    """The order's page, with a new key for the next refund."""
    view = desk_order_of(order)
    title = frame.words(request)["order"]["title"].format(number=order.number)
    context = {
        "order": view,
        "cannot_be_sent": order.cannot_be_sent,
        "version": tag_of(order),
        "items": order.items,
        "key": frame.deps.new_id(),
        "decimals": get_currency_precision(order.currency),
        "recipient": None,
        "action": f"{PATH}/{order.id}",
    }
    return frame.show(request, "desk_order.html", title, status, **(context | over))


async def again(frame: Frame, request: web.Request, refusal: DomainError, labels: str, **over: Any) -> web.Response:
    """The order as it stands by now, and why a step was not taken; `labels` names the words of the form's fields."""
    words = frame.words(request)["desk"]
    order = await frame.deps.orders.get(request.match_info["id"])
    told = frame.refused(request, refusal, labels=words.get(labels, {}))
    return await show_order(frame, request, order, status_of(refusal), **(told | over))


async def _order(frame: Frame, request: web.Request) -> web.Response:
    DESK.check(identity_of(request))
    return await show_order(frame, request, await frame.deps.orders.get(request.match_info["id"]))


async def _contact(frame: Frame, request: web.Request) -> web.Response:
    """Shown in this answer alone: the next look needs a reason again."""
    SUPPORT.check(identity_of(request))
    form = await read_form(request)
    order = await frame.deps.orders.get(request.match_info["id"])
    try:
        reason = form.parse(Look).reason
        recipient = await look_at_contact(frame.deps, who(request), order.id, reason=reason)
    except DomainError as refusal:
        return await again(frame, request, refusal, "contact_fields", values=form.shown)
    lines = postal_lines(recipient.shipping, frame.preferences(request).language)
    return await show_order(frame, request, order, recipient=recipient, recipient_address=lines)
