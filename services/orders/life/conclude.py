"""The end of `charging`, by what the provider says: the only place where an order becomes paid."""

import asyncio

from services.orders.deps import Deps
from services.orders.life.domain import Order
from services.orders.life.mongo import COLLECTION
from services.orders.life.view import link_to
from services.orders.payments.provider import Charge, Outcome
from services.orders.persons import Contact
from shared.contracts.orders import Buyer, PurchaseCompleted
from shared.events import Sealed
from shared.personal import Place


async def conclude(deps: Deps, order: Order, charge: Charge, *, contact: Contact | None = None) -> Order:
    """End the order as its charge did, unless somebody else has; the order as it then is.

    The charge's outcome is final, so whoever concludes, and however many at once, they agree; one of them writes.
    `contact` is given where it is at hand; otherwise it is opened where it is needed.
    """
    if charge.outcome is Outcome.PAID:
        return await _complete(deps, order, contact or await open_contact(deps, order, purpose="receipt"))
    now = deps.clock()
    declined = charge.outcome is Outcome.DECLINED
    ended = order.declined(charge.reason, at=now) if declined else order.failed(at=now)
    settled, _ = await asyncio.gather(deps.orders.settle(ended), deps.stock.release(order.id, order.wanted))
    return ended if settled else await deps.orders.get(order.id)


async def open_contact(deps: Deps, order: Order, *, purpose: str) -> Contact:
    """Who bought.

    Raises:
        PersonErased: the person's key is gone.
    """
    person = await deps.people.known(order.personal.person_id)
    place = Place(COLLECTION, "contact", order.id)
    return person.open_model(Contact, order.personal.contact, place, purpose=purpose)


async def _complete(deps: Deps, order: Order, contact: Contact) -> Order:
    event_id = deps.new_id()
    buyer = _sealed_buyer(deps, order, contact, event_id)
    paid, event = order.paid(at=deps.clock(), event_id=event_id, buyer=buyer)
    if not await deps.orders.settle(paid, [event]):
        return await deps.orders.get(order.id)
    deps.relay.announce(COLLECTION, order.id, [event])
    deps.stock.sold(order.id, order.wanted)
    return paid


def _sealed_buyer(deps: Deps, order: Order, contact: Contact, event_id: str) -> Sealed:
    """Each reader learns what it needs: mailer whom to write to, warranty whose purchase it was."""
    to_mailer = Buyer(
        name=contact.name, email=contact.email, order_link=link_to(deps, order), newsletter=order.newsletter
    )
    return deps.sealer.seal_for(
        {"mailer": to_mailer, "warranty": Buyer(account_id=order.account_id)},
        event_type=PurchaseCompleted.TYPE,
        event_id=event_id,
        field="buyer",
    )
