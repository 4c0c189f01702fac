"""Support sees whom an order is for: kept and announced before it is shown."""

from dataclasses import dataclass

from services.orders.deps import Deps
from services.orders.desk.store import COLLECTION, Access
from services.orders.life.domain import Order, OrderNotFound
from services.orders.life.lifeview import tracking_of
from services.orders.life.store import COLLECTION as ORDERS
from services.orders.persons import Contact, ShippingAddress
from shared.contracts.orders import AccessRecorded
from shared.contracts.persons import AccessReason
from shared.errors import TransientError
from shared.events import Event
from shared.identity import Identity
from shared.personal import Place
from shared.sealing import NoPublicKey

WHAT = "order-contact"
_CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who bought, and where the parcel goes; lives as long as the answer."""

    contact: Contact
    shipping: ShippingAddress
    tracking: str

    def __repr__(self) -> str:
        return "Recipient(hidden)"


async def look_at_contact(deps: Deps, who: Identity, order_id: str, *, reason: str) -> Recipient:
    """Name, e-mail and shipping address of an order, for support. The buyer reads who looked and why.

    Raises:
        OrderNotFound: there is none.
        PersonErased: the buyer was erased.
        TransientError: the look could not be kept; then nothing is shown.
    """
    order = await deps.orders.find(order_id)
    if order is None:
        raise OrderNotFound
    person = await deps.people.known(order.personal.person_id)
    shown = Recipient(
        person.open_model(Contact, order.personal.contact, Place(ORDERS, "contact", order.id), purpose="desk"),
        person.open_model(
            ShippingAddress, order.personal.shipping, Place(ORDERS, "shipping", order.id), purpose="desk"
        ),
        tracking_of(order, person, purpose="desk"),
    )
    access_id = deps.new_id()
    access = Access(
        id=access_id,
        order_id=order.id,
        account_id=order.account_id,
        staff_id=who.subject,
        roles=tuple(sorted(who.roles - {_CUSTOMER})),
        what=WHAT,
        accessed_at=deps.clock(),
        reason=person.seal(reason, Place(COLLECTION, "reason", access_id)),
    )
    await deps.accesses.add(access, _events(deps, order, access, reason))
    return shown


def _events(deps: Deps, order: Order, access: Access, reason: str) -> list[Event]:
    """A guest has no account to read it in: that look is kept, and told to nobody."""
    if not order.account_id:
        return []
    event_id = deps.new_id()
    try:
        sealed = deps.sealer.seal_for(
            {"auth": AccessReason(reason=reason)}, event_type=AccessRecorded.TYPE, event_id=event_id, field="reason"
        )
    except NoPublicKey as error:
        raise TransientError("auth's public key is not published") from error
    contract = AccessRecorded(
        access_id=access.id,
        account_id=access.account_id,
        staff_id=access.staff_id,
        roles=access.roles,
        what=access.what,
        subject=order.id,
        accessed_at=access.accessed_at,
        reason=sealed,
    )
    return [Event.of(contract, id=event_id, subject=order.id, at=access.accessed_at)]
