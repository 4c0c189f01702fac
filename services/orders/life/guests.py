"""A guest's orders, found again by mailed links.

Who asks learns nothing: the question is only noted, under the keyed hash of the address, known or not; the answer is
made later, and goes by mail to the address that the orders themselves have.
"""

from collections import defaultdict
from datetime import datetime, timedelta

import structlog

from services.orders.deps import Deps
from services.orders.life.announce import contact_of
from services.orders.life.domain import Order
from services.orders.life.link_store import LinkRequest
from services.orders.life.take_over import claim_token
from services.orders.life.view import link_to
from services.orders.persons import Contact, contact_key
from shared.contracts.orders import GuestOrder, GuestOrders, LinkRequested
from shared.errors import TransientError
from shared.events import Event
from shared.personal import Tampered, WrongShape
from shared.sealing import NoPublicKey

LINK_LASTS = timedelta(hours=24)
_MOST_ORDERS = 20
_REQUESTS_A_TURN = 100
log = structlog.get_logger(__name__)


async def ask_for_links(deps: Deps, email: str, *, language: str) -> None:
    """Note that somebody wants the links to the orders of this address: at most three a day are answered."""
    await deps.links.ask(contact_key(deps.index, email), language=language, at=deps.clock())


async def answer_links(deps: Deps) -> None:
    """One turn: mail the links that were asked for; an address without orders gets no mail."""
    for request in await deps.links.waiting(limit=_REQUESTS_A_TURN):
        try:
            await deps.links.answer(request, await _letters(deps, request))
        except (TransientError, Tampered, WrongShape) as error:
            log.error("links not sent", reason=type(error).__name__)  # noqa: TRY400 - it comes again at each turn


async def _letters(deps: Deps, request: LinkRequest) -> list[Event]:
    """One for each spelling of the address that the orders have; each goes to its own."""
    by_address: defaultdict[str, list[tuple[Order, Contact]]] = defaultdict(list)
    for order in await deps.orders.of_guest(request.contact_key, limit=_MOST_ORDERS):
        contact = await contact_of(deps, order)
        if contact is not None:
            by_address[contact.email].append((order, contact))
    return [_letter(deps, request, found) for found in by_address.values()]


def _letter(deps: Deps, request: LinkRequest, found: list[tuple[Order, Contact]]) -> Event:
    event_id, now = deps.new_id(), deps.clock()
    until = now + LINK_LASTS
    orders = tuple(_listed(deps, order, until) for order, _ in found)
    contact = found[0][1]
    try:
        sealed = deps.sealer.seal_for(
            {"mailer": GuestOrders(name=contact.name, email=contact.email, orders=orders)},
            event_type=LinkRequested.TYPE,
            event_id=event_id,
            field="recipient",
        )
    except NoPublicKey as error:
        raise TransientError("mailer's public key is not published") from error
    told = LinkRequested(
        request_id=event_id,
        language=request.language,
        requested_at=request.asked_at,
        expires_at=until,
        recipient=sealed,
    )
    return Event.of(told, id=event_id, subject=event_id, at=now)


def _listed(deps: Deps, order: Order, until: datetime) -> GuestOrder:
    link = f"{link_to(deps, order)}&claim={claim_token(deps, order, until=until)}"
    return GuestOrder(number=order.number, placed_at=order.created_at, link=link)
