"""Who may see a record and open claims: the account that bought, or whoever has the link to a guest's order."""

import hashlib
import hmac
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from services.warranty.deps import Deps
from services.warranty.records.domain import Owner, PurchaseNotFound, PurchaseRecord
from services.warranty.records.store import COLLECTION
from shared.contracts.orders import Buyer
from shared.http.context import Unauthenticated
from shared.identity import Identity
from shared.personal import PersonKey, Place


@dataclass(frozen=True, slots=True)
class Holder:
    """`key` finds what is theirs; under the data key of `person_id` all that is personal of it is kept."""

    key: str
    person_id: str


class Contact(BaseModel):
    """Whom mails about an item go to."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    email: str = ""


def account_holder(deps: Deps, account_id: str) -> Holder:
    """An account, for what it bought and what it has claimed as its own."""
    return Holder(account_key(deps, account_id), account_id)


async def holder_of(deps: Deps, who: Identity | None, *, order_id: str = "", token: str = "") -> Holder:
    """Who asks: by a guest's link where there is one, that of the order or that of a claim's mails, else the account
    that is signed in.

    Raises:
        PurchaseNotFound: the link is of no order that we know, or of an account's.
        Unauthenticated: neither.
    """
    if order_id:
        return await _guest(deps, order_id, token)
    if who is None:
        raise Unauthenticated
    return account_holder(deps, who.subject)


async def _guest(deps: Deps, order_id: str, token: str) -> Holder:
    proof, ours = hashlib.sha256(token.encode()).hexdigest(), guest_token(deps, order_id).encode()
    for record in await deps.purchases.of_order(order_id):
        known = record.owner.proof if record.owner else ""
        if known and (hmac.compare_digest(known, proof) | hmac.compare_digest(ours, token.encode())):
            return Holder(guest_key(deps, order_id), guest_person(order_id))
    raise PurchaseNotFound


def guest_token(deps: Deps, order_id: str) -> str:
    """What the links of our mails to a guest have: like that of the order, which orders keeps to itself, it opens what
    was bought with it, until an account claims the order.
    """
    return deps.index.of("guest-link", order_id)


def account_key(deps: Deps, account_id: str) -> str:
    """The keyed hash that finds an account's records."""
    return deps.index.of("account", account_id)


def guest_key(deps: Deps, order_id: str) -> str:
    """The keyed hash that finds the records of a guest's order."""
    return deps.index.of("guest-order", order_id)


def guest_person(order_id: str) -> str:
    """Under which name a guest has a data key: we know them by this order only."""
    return f"order:{order_id}"


def is_guest(person_id: str) -> bool:
    """Whether this is the name of a guest's data key, not an account's."""
    return person_id.startswith("order:")


def holder_key(deps: Deps, account_id: str, order_id: str) -> str:
    """That of the account, or of the guest's order where there is no account."""
    return account_key(deps, account_id) if account_id else guest_key(deps, order_id)


def owner_of(deps: Deps, order_id: str, item_id: str, *, buyer: Buyer, person: PersonKey) -> Owner:
    """The owner of an item's record, sealed under the key of this person, who is the buyer."""
    contact = Contact(name=buyer.name, email=buyer.email)
    if buyer.account_id:
        return owner_with(deps, item_id, buyer.account_id, contact, person)
    return Owner(
        key=guest_key(deps, order_id),
        contact=_sealed_contact(item_id, contact, person),
        proof=buyer.link_proof,
    )


def owner_with(deps: Deps, record_id: str, account_id: str, contact: Contact, person: PersonKey) -> Owner:
    """An account as the owner of a record, sealed under its key, which is that of `person`."""
    sealed = person.seal(account_id, Place(COLLECTION, "owner", record_id))
    return Owner(account_key(deps, account_id), sealed, _sealed_contact(record_id, contact, person))


def _sealed_contact(record_id: str, contact: Contact, person: PersonKey) -> bytes:
    return person.seal_model(contact, Place(COLLECTION, "contact", record_id)) if contact.email else b""


def open_contact(record: PurchaseRecord, person: PersonKey) -> Contact:
    """Whom to write to about the item; nobody where none was told.

    Raises:
        Tampered, WrongShape: it cannot be read.
    """
    if record.owner is None or not record.owner.contact:
        return Contact()
    place = Place(COLLECTION, "contact", record.id)
    return person.open_model(Contact, record.owner.contact, place, purpose="warranty")
