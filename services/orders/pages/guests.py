"""A guest's orders: found again by mail, and made an account's own by the link of that mail."""

from collections.abc import Sequence

from aiohttp import web

from services.orders.life.guest_routes import ClaimRequest, LinksRequest
from services.orders.life.guests import ask_for_links
from services.orders.life.take_over import claim_order
from services.orders.pages.frame import Frame
from shared.errors import DomainError
from shared.http.context import who
from shared.http.intake import parse_form, read_form
from shared.http.problems import status_of

PATH = "/orders/find"


def guest_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """Fixed paths: they come before `/orders/{id}`."""
    return [
        frame.get(PATH, _find),
        frame.post(PATH, _ask),
        frame.post("/orders/{id}/claim", _claim),
    ]


async def _find(frame: Frame, request: web.Request) -> web.Response:
    return frame.show(request, "find.html", frame.words(request)["find"]["title"], asked=False)


async def _ask(frame: Frame, request: web.Request) -> web.Response:
    """The same answer for every address: whether it has orders is told to its mailbox alone."""
    words, form = frame.words(request)["find"], await read_form(request)
    try:
        email = form.parse(LinksRequest).email
    except DomainError as refusal:
        told = frame.refused(request, refusal, labels={"email": words["email"]})
        return frame.show(
            request, "find.html", words["title"], status_of(refusal), asked=False, values=form.shown, **told
        )
    await ask_for_links(frame.deps, email, language=frame.preferences(request).language)
    return frame.show(request, "find.html", words["title"], 202, asked=True)


async def _claim(frame: Frame, request: web.Request) -> web.Response:
    account, sent = who(request).subject, await parse_form(request, ClaimRequest)
    order = await claim_order(frame.deps, account, request.match_info["id"], sent.token)
    raise web.HTTPSeeOther(f"/orders/{order.id}?done=claimed")
