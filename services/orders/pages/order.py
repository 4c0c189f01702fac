"""An order's page: where it stands, what was bought, the receipt to print, and how it is cancelled."""

from collections.abc import Sequence
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from services.orders.life.cancel import cancel
from services.orders.life.change import tag_of
from services.orders.life.domain import BUYER, Order
from services.orders.life.routes import TokenQuery
from services.orders.life.steps import OPEN
from services.orders.life.store import COLLECTION
from services.orders.life.view import find_visible, view_of
from services.orders.pages.addresses import postal_lines
from services.orders.pages.frame import Frame
from services.orders.persons import Contact, ShippingAddress
from shared.errors import DomainError
from shared.http.context import FreshLoginRequired, identity_of, who
from shared.http.frame import Seen
from shared.http.intake import parse_form, read_query
from shared.http.problems import status_of
from shared.personal import Place


class OrderQuery(TokenQuery):
    """How a guest shows that an order is theirs, by what an account may make it its own, and what was just done."""

    claim: Annotated[str, Field(max_length=100, pattern=r"^[0-9a-f]*$")] = ""
    done: str = ""


def order_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """For whoever bought it: by the account, or by the link of a guest."""
    return [
        frame.get("/orders/{id}", _order),
        frame.get("/orders/{id}/receipt", _receipt),
        frame.post("/orders/{id}/cancel", _cancel),
    ]


async def visible(frame: Frame, request: web.Request) -> tuple[Order, str]:
    """The order of the address, and what to add to the address of its other pages.

    Raises:
        OrderNotFound: there is none, or it is not for this visitor.
    """
    token = read_query(request, OrderQuery).t
    order = await find_visible(frame.deps, request.match_info["id"], who=identity_of(request), token=token)
    return order, f"?t={token}" if token else ""


async def show_order(
    frame: Frame, request: web.Request, order: Order, query: str, status: int = 200, **over: Any
) -> web.Response:
    """The order's page."""
    title = frame.words(request)["order"]["title"].format(number=order.number)
    context = {
        "order": await view_of(frame.deps, order),
        "query": query,
        "version": tag_of(order),
        "is_open": order.status in OPEN,
        "was_paid": order.payment.captured_minor > 0,
        "is_guest": not order.account_id,
        "claim": "" if order.account_id else read_query(request, OrderQuery).claim,
    }
    return frame.show(request, "order.html", title, status, **(context | over))


async def _order(frame: Frame, request: web.Request) -> web.Response:
    return await show_order(frame, request, *await visible(frame, request))


async def _cancel(frame: Frame, request: web.Request) -> web.Response:
    order, query = await visible(frame, request)
    seen = await parse_form(request, Seen)
    try:
        await cancel(frame.deps, order, by=BUYER, if_match=seen.version)
    except DomainError as refusal:
        told = frame.refused(request, refusal)
        now = await frame.deps.orders.get(order.id)
        return await show_order(frame, request, now, query, status_of(refusal), **told)
    raise web.HTTPSeeOther(f"/orders/{order.id}{query or '?'}{query and '&'}done=cancelled")


async def _receipt(frame: Frame, request: web.Request) -> web.Response:
    """What was bought by whom, to print; of an order that took no money there is none, and its page says why.

    Raises:
        FreshLoginRequired: it shows an address, which a browser that was only remembered is never shown.
    """
    order, query = await visible(frame, request)
    if not order.payment.captured_minor:
        raise web.HTTPSeeOther(f"/orders/{order.id}{query}")
    if order.account_id and not who(request).fresh:
        raise FreshLoginRequired
    person = await frame.deps.people.known(order.personal.person_id)
    contact = person.open_model(
        Contact, order.personal.contact, Place(COLLECTION, "contact", order.id), purpose="order"
    )
    place = Place(COLLECTION, "shipping", order.id)
    address = person.open_model(ShippingAddress, order.personal.shipping, place, purpose="order")
    title = frame.words(request)["order"]["receipt_title"].format(number=order.number)
    view = await view_of(frame.deps, order)
    return frame.show(
        request,
        "receipt.html",
        title,
        order=view,
        query=query,
        contact=contact,
        address=postal_lines(address, frame.preferences(request).language),
    )
