"""What an order becomes by what the provider says of its charge: the only place where an order becomes paid."""

from dataclasses import dataclass

import structlog

from services.orders.deps import Deps
from services.orders.life.cancel import cancel, give_up_waiting
from services.orders.life.domain import BUYER, SHOP, Order
from services.orders.life.steps import OPEN, VAIN, Status
from services.orders.life.store import COLLECTION
from services.orders.life.view import link_proof, link_to
from services.orders.payments.provider import Charge, Outcome
from services.orders.persons import Contact
from services.orders.screening.outcomes import learn
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
    to_mailer, to_warranty = Buyer(), Buyer(account_id=order.account_id)
    if contact is not None:
        to_warranty = Buyer(
            account_id=order.account_id, name=contact.name, email=contact.email, link_proof=link_proof(deps, order)
        )
        link = link_to(deps, order)
        to_mailer = Buyer(name=contact.name, email=contact.email, order_link=link, newsletter=order.newsletter)
    buyer = deps.sealer.seal_for(
        {"mailer": to_mailer, "warranty": to_warranty},
        event_type=PurchaseCompleted.TYPE,
        event_id=event_id,
        field="buyer",
    )
    return Announcement(event_id, buyer)


async def conclude(deps: Deps, order: Order, charge: Charge, *, announcement: Announcement | None = None) -> Order:
    """Take the order to where its charge stands, unless somebody else has; the order as it then is.

    Whoever concludes, and however many at once, they agree on what the provider has decided; one of them writes, and
    lets screening know. An announcement that was not prepared, in the checkout, is made from what is stored.

    Raises:
        Tampered, WrongShape: who bought cannot be read.
        NoPublicKey: as `announcement_of`.
    """
    if order.status not in OPEN:
        return order
    match charge.outcome:
        case Outcome.PAID:
            announced = announcement or await announcement_from_store(deps, order)
            return await _complete(deps, order, announced, in_checkout=announcement is not None)
        case Outcome.AUTHORISED | Outcome.NEEDS_ACTION:
            waiting = await _wait(deps, order, charge)
            return await give_up_waiting(deps, waiting) if waiting.is_orphan else waiting
        case Outcome.DECLINED | Outcome.VOIDED if order.status is Status.IN_REVIEW:
            return await cancel(deps, order, by=SHOP)  # what was set aside has lapsed, or was given up at the provider
        case Outcome.DECLINED:
            return await _end_in_vain(deps, order, order.declined(charge.reason, at=deps.clock()))
        case Outcome.VOIDED:
            return await _end_in_vain(deps, order, order.failed(at=deps.clock()))


async def _complete(deps: Deps, order: Order, announcement: Announcement, *, in_checkout: bool) -> Order:
    by = order.review.by if order.review else BUYER
    paid, event = order.paid(at=deps.clock(), event_id=announcement.event_id, buyer=announcement.buyer, by=by)
    saved = await deps.orders.save(paid, [event])
    if saved is None:
        return await deps.orders.get(order.id)
    deps.relay.announce(COLLECTION, order.id, [event])
    deps.stock.sold(order.id, order.wanted)
    await learn(deps, saved, in_checkout=in_checkout)
    return saved


async def _wait(deps: Deps, order: Order, charge: Charge) -> Order:
    """The money is not taken yet: units stay held, and somebody has to do something."""
    waits_for = Status.IN_REVIEW if charge.outcome is Outcome.AUTHORISED else Status.NEEDS_ACTION
    if order.status in (waits_for, Status.IN_REVIEW):
        return order
    at = deps.clock()
    changed = order.in_review(at=at) if waits_for is Status.IN_REVIEW else order.needs_action(charge.action_url, at=at)
    return await deps.orders.save(changed) or await deps.orders.get(order.id)


async def _end_in_vain(deps: Deps, order: Order, ended: Order) -> Order:
    saved = await deps.orders.save(ended)
    standing = saved or await deps.orders.get(order.id)
    if saved is not None:
        await learn(deps, saved, in_checkout=False)
    if standing.status in VAIN:  # the units of one that was cancelled meanwhile come back with that, and once
        await deps.stock.release(order.id, order.wanted)
    return standing


async def announcement_from_store(deps: Deps, order: Order) -> Announcement:
    """Prepare to announce by what is stored of the buyer.

    Raises:
        Tampered, WrongShape: who bought cannot be read.
        NoPublicKey: as `announcement_of`.
    """
    try:
        person = await deps.people.known(order.personal.person_id)
    except PersonErased:  # what was charged is a purchase all the same; nobody can be told of it
        log.warning("purchase of an erased buyer", order_id=order.id)
        return announcement_of(deps, order, None)
    place = Place(COLLECTION, "contact", order.id)
    contact = person.open_model(Contact, order.personal.contact, place, purpose="receipt")
    return announcement_of(deps, order, contact)
