"""The desk over HTTP: orders, and, what needs a reason, whom they are for."""

from collections.abc import Sequence
from functools import partial

from services.orders.deps import Deps
from services.orders.desk import orders
from services.orders.desk.usecases import look_at_contact
from services.orders.life.domain import OrderNotFound
from services.orders.profile.views import ShippingView
from shared.errors import InvalidInput
from shared.http.reasons import Reason
from shared.http.routes import Answer, Call, RequestModel, ResponseModel, Route, roles
from shared.personal import PersonErased

PATH = "/api/orders/desk/{id}/contact"


class Look(RequestModel):
    """Why you look. The buyer reads the reason."""

    reason: Reason


class ContactView(ResponseModel):
    """Whom the order is for."""

    name: str
    email: str
    shipping: ShippingView
    tracking: str
    """The parcel's number at the carrier; empty before it is shipped."""


def routes(deps: Deps) -> Sequence[Route]:
    """The desk's part of the contract."""
    return [
        *orders.routes(deps),
        Route("POST", PATH, partial(_contact, deps), "Whom an order is for; the buyer reads who looked and why",
              body=Look, answers={200: ContactView}, access=roles("support"),
              problems=[InvalidInput, OrderNotFound, PersonErased]),
    ]  # fmt: skip


async def _contact(deps: Deps, call: Call[Look, None]) -> Answer:
    shown = await look_at_contact(deps, call.who, call.path("id"), reason=call.body.reason)
    shipping = ShippingView(**shown.shipping.model_dump())
    return Answer(
        200,
        ContactView(name=shown.contact.name, email=shown.contact.email, shipping=shipping, tracking=shown.tracking),
    )
