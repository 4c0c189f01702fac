"""Handing a watch on, over HTTP."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from pydantic import AwareDatetime, Field

from services.warranty.deps import Deps
from services.warranty.holders import Contact
from services.warranty.records.domain import PurchaseNotFound
from services.warranty.records.routes import LIST_PATH, LinkQuery, PurchaseView, asking, view_of
from services.warranty.transfers.usecases import (
    NotTransferable,
    TransferNotFound,
    offer,
    take,
    withdraw,
)
from shared.addresses import Email, PersonName
from shared.http.context import FreshLoginRequired
from shared.http.routes import SIGNED_IN, Answer, Call, RequestModel, ResponseModel, Route, Unauthenticated
from shared.personal import PersonErased

PATH = "/api/warranty/transfers"
_NOT_YOURS = [Unauthenticated, PurchaseNotFound]


class OfferView(ResponseModel):
    """What the owner hands over; the code is shown once."""

    code: str
    expires_at: AwareDatetime


class ContactBody(RequestModel):
    """Whom mails about the watch go to from now on."""

    name: PersonName
    email: Email


class TakeRequest(RequestModel):
    """The code that the former owner has given."""

    code: Annotated[str, Field(min_length=1, max_length=60)]
    contact: ContactBody


def transfer_routes(deps: Deps) -> Sequence[Route]:
    """All of them."""
    one = f"{LIST_PATH}/{{id}}/transfer"
    return [
        Route("POST", one, partial(_offer, deps), "Hand a watch on: a code for its next owner, good for 14 days",
              query=LinkQuery, answers={201: OfferView}, problems=[*_NOT_YOURS, FreshLoginRequired, NotTransferable]),
        Route("DELETE", one, partial(_withdraw, deps), "The code is worth nothing any more", query=LinkQuery,
              problems=_NOT_YOURS),
        Route("POST", PATH, partial(_take, deps), "Take a watch over with the code of its former owner",
              body=TakeRequest, answers={200: PurchaseView}, access=SIGNED_IN,
              problems=[TransferNotFound, NotTransferable, PersonErased]),
    ]  # fmt: skip


async def _offer(deps: Deps, call: Call[None, LinkQuery]) -> Answer:
    holder = await asking(deps, call)
    made = await offer(deps, holder, None if call.query.order else call.identity, call.path("id"))
    return Answer(201, OfferView(code=made.code, expires_at=made.until))


async def _withdraw(deps: Deps, call: Call[None, LinkQuery]) -> Answer:
    await withdraw(deps, await asking(deps, call), call.path("id"))
    return Answer(204)


async def _take(deps: Deps, call: Call[TakeRequest, None]) -> Answer:
    asked = call.body
    contact = Contact(name=asked.contact.name, email=asked.contact.email)
    record = await take(deps, call.who.subject, asked.code, contact)
    return Answer(200, view_of(deps, record.for_owner()))
