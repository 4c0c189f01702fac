"""A guest's orders over HTTP: the links to them, and making one an account's own."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from pydantic import Field

from services.orders.deps import Deps
from services.orders.life.change import tag_of
from services.orders.life.guests import ask_for_links
from services.orders.life.take_over import ClaimLinkUnknown, claim_order
from services.orders.life.view import OrderView, view_of
from shared.addresses import Email
from shared.http.preferences import read_preferences
from shared.http.routes import SIGNED_IN, Answer, Call, RequestModel, Route
from shared.personal import PersonErased

PATH = "/api/orders"


class LinksRequest(RequestModel):
    """Whose orders."""

    email: Email


class ClaimRequest(RequestModel):
    """The `claim` of the mailed link."""

    token: Annotated[str, Field(max_length=100, pattern=r"^[0-9a-f]+$")]


def routes(deps: Deps) -> Sequence[Route]:
    """The guests' part of the contract."""
    return [
        Route("POST", f"{PATH}/guest/links", partial(_links, deps),
              "Mail the links to the orders placed at an address without an account; the answer is always the same",
              body=LinksRequest, answers={202: None}),
        Route("POST", f"{PATH}/{{id}}/claim", partial(_claim, deps),
              "Make a guest's order your account's own, by the link that was mailed to the guest's address",
              body=ClaimRequest, answers={200: OrderView}, access=SIGNED_IN,
              problems=[ClaimLinkUnknown, PersonErased], answer_headers=["ETag"]),
    ]  # fmt: skip


async def _links(deps: Deps, call: Call[LinksRequest, None]) -> Answer:
    language = read_preferences(call.request, deps.settings).language
    await ask_for_links(deps, call.body.email, language=language)
    return Answer(202)


async def _claim(deps: Deps, call: Call[ClaimRequest, None]) -> Answer:
    order = await claim_order(deps, call.who.subject, call.path("id"), call.body.token)
    return Answer(200, await view_of(deps, order), headers={"ETag": tag_of(order)})
