"""The page "my watches": what is covered until when, and how to claim."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode

from aiohttp import web
from pydantic import Field

from services.warranty.claims.usecases import cover_now
from services.warranty.holders import Contact
from services.warranty.pages.frame import AnyQuery, Frame, link_of
from services.warranty.records.cursor import read_cursor, write_cursor
from services.warranty.records.usecases import get_purchase, list_purchases
from services.warranty.transfers.routes import TakeRequest
from services.warranty.transfers.usecases import offer, take
from shared.errors import DomainError
from shared.http.context import identity_of, who
from shared.http.intake import parse_form, read_form, read_query
from shared.http.problems import status_of
from shared.http.routes import SIGNED_IN, RequestModel

PATH = "/warranty"
PAGE_SIZE = 20
_CLAIMS = 100


class OfferForm(RequestModel):
    """Which watch is handed on."""

    purchase: Annotated[str, Field(min_length=1, max_length=200)]


def watch_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """The list; handing a watch on, and taking one over."""
    return [
        frame.get(PATH, _mine),
        frame.post(f"{PATH}/offer", _hand_on),
        frame.get(f"{PATH}/transfer", _ask_code),
        frame.post(f"{PATH}/transfer", _take),
    ]


async def _mine(frame: Frame, request: web.Request) -> web.Response:
    words, query = frame.words(request)["watches"], read_query(request, AnyQuery)
    if identity_of(request) is None and not query.order:
        return frame.show(request, "log_in_first.html", words["title"])
    holder = await frame.holder(request)
    records, rest = await list_purchases(frame.deps, holder, limit=PAGE_SIZE, after=read_cursor(query.cursor))
    claims = await frame.deps.claims.of_holder(holder.key, before="", limit=_CLAIMS)
    open_claims = {claim.item.purchase_id: claim for claim in claims if claim.is_open}
    next_page = ""
    if rest is not None:
        link = {"order": query.order, "t": query.t} if query.order else {}
        next_page = f"{PATH}?{urlencode({'cursor': write_cursor(rest)} | link)}"
    return frame.show(
        request,
        "watches.html",
        words["title"],
        watches=[(record, cover_now(frame.deps, record), open_claims.get(record.id)) for record in records],
        claims=claims,
        next_page=next_page,
        and_link=link_of(request).replace("?", "&"),
    )


async def _hand_on(frame: Frame, request: web.Request) -> web.Response:
    """The code, on this page only: it is not kept."""
    query = read_query(request, AnyQuery)
    holder, identity = await frame.holder(request), None if query.order else identity_of(request)
    purchase_id = (await parse_form(request, OfferForm)).purchase
    made = await offer(frame.deps, holder, identity, purchase_id)
    record = await get_purchase(frame.deps, holder, purchase_id)
    title = frame.words(request)["transfer"]["title"]
    return frame.show(request, "handed_on.html", title, offer=made, record=record)


async def _ask_code(frame: Frame, request: web.Request) -> web.Response:
    SIGNED_IN.check(identity_of(request))
    return frame.show(request, "transfer.html", frame.words(request)["transfer"]["take_title"])


async def _take(frame: Frame, request: web.Request) -> web.Response:
    SIGNED_IN.check(identity_of(request))
    form = await read_form(request)
    try:
        asked = form.parse(TakeRequest)
        contact = Contact(name=asked.contact.name, email=asked.contact.email)
        await take(frame.deps, who(request).subject, asked.code, contact)
    except DomainError as refusal:
        title = frame.words(request)["transfer"]["take_title"]
        refused = frame.refused(request, refusal)
        return frame.show(request, "transfer.html", title, status_of(refusal), **(refused | {"values": form.shown}))
    raise web.HTTPSeeOther(f"{PATH}?done=transfer")
