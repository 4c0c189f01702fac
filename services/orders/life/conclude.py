"""The end of `charging`, by what the provider says: the only place where an order becomes paid."""

import asyncio
from dataclasses import dataclass

import structlog

from services.orders.deps import Deps
from services.orders.life.domain import Order
from services.orders.life.mongo import COLLECTION
from services.orders.life.view import link_to
from services.orders.payments.provider import Charge, Outcome
from services.orders.persons import Contact
from shared.contracts.orders import Buyer, PurchaseCompleted
from shared.events import Sealed
from shared.personal import PersonErased, Place

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Announcement:
    """The buyer, sealed for those who will hear of the purchase, and the event that it is sealed for."""

    event_id: str
    buyer: Sealed


def announcement_of(deps: Deps, order: Order, contact: Contact | None) -> Announcement:
    """Prepare to announce; each reader learns what it needs: mailer whom to write to, warranty whose purchase it was.

    Without a contact the buyer was erased meanwhile: there is nobody to write to.

    Raises:
        NoPublicKey: deployment has not published the key of a reader, so nobody should be charged.
    """
    event_id = deps.new_id()
    to_mailer = Buyer()
    if contact is not None:
        link = link_to(deps, order)
        to_mailer = Buyer(name=contact.name, email=contact.email, order_link=link, newsletter=order.newsletter)
    buyer = deps.sealer.seal_for(
        {"mailer": to_mailer, "warranty": Buyer(account_id=order.account_id)},
        event_type=PurchaseCompleted.TYPE,
        event_id=event_id,
        field="buyer",
    )
    return Announcement(event_id, buyer)


async def conclude(deps: Deps, order: Order, charge: Charge, *, announcement: Announcement | None = None) -> Order:
    """End the order as its charge did, unless somebody else has; the order as it then is.

    The charge's outcome is final, so whoever concludes, and however many at once, they agree; one of them writes.
    An announcement that was not prepared is made from what is stored.

    Raises:
        Tampered, WrongShape: who bought cannot be read.
        NoPublicKey: as `announcement_of`.
    """
    if charge.outcome is Outcome.PAID:
        return await _complete(deps, order, announcement or await _restored(deps, order))
    now = deps.clock()
    declined = charge.outcome is Outcome.DECLINED
    ended = order.declined(charge.reason, at=now) if declined else order.failed(at=now)
    settled, _ = await asyncio.gather(deps.orders.settle(ended), deps.stock.release(order.id, order.wanted))
    return ended if settled else await deps.orders.get(order.id)


async def _complete(deps: Deps, order: Order, announcement: Announcement) -> Order:
    paid, event = order.paid(at=deps.clock(), event_id=announcement.event_id, buyer=announcement.buyer)
    if not await deps.orders.settle(paid, [event]):
        return await deps.orders.get(order.id)
    deps.relay.announce(COLLECTION, order.id, [event])
    deps.stock.sold(order.id, order.wanted)
    return paid


async def _restored(deps: Deps, order: Order) -> Announcement:
    try:
        person = await deps.people.known(order.personal.person_id)
    except PersonErased:  # what was charged is a purchase all the same; nobody can be told of it
        log.warning("purchase of an erased buyer", order_id=order.id)
        return announcement_of(deps, order, None)
    place = Place(COLLECTION, "contact", order.id)
    contact = person.open_model(Contact, order.personal.contact, place, purpose="receipt")
    return announcement_of(deps, order, contact)
