"""A member of the staff looks a customer up: noted in the trails of both before anything is shown."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.auth.accounts.domain import Account
from services.auth.deps import Deps
from services.auth.people import email_key, open_contact
from services.auth.refusals import AccountNotFound
from services.auth.throttle.store import Limit
from services.auth.trail.domain import Note, What, reason_place
from shared.identity import Identity
from shared.ids import new_id
from shared.personal import PersonErased, PersonKey

LOOKS = Limit("desk", most=120, within=timedelta(hours=1))
"""How many addresses one member of the staff may look up: enough for a busy day, not for a stolen list."""
WHAT = "account"
_CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Customer:
    """What the desk is shown."""

    account_id: str
    name: str
    email_verified: bool
    created_at: datetime
    second_factor: bool

    def __repr__(self) -> str:
        return f"Customer({self.account_id}, hidden)"


async def find_customer(deps: Deps, who: Identity, *, email: str, reason: str) -> Customer:
    """The customer with this address.

    Both entries of the trail are durable before this returns: one in the trail of whoever asks, whatever the outcome,
    and one in the customer's own.

    Raises:
        TooManyTries: too many look-ups by this member of the staff.
        AccountNotFound: no customer has this address; members of the staff are none.
    """
    await deps.guard.admit(LOOKS, who.subject)
    access = new_id()
    found = await _find(deps, email)
    details = {"access": access, "what": WHAT, "found": "no" if found is None else found[0].id}
    await _note(deps, "staff-lookup", await deps.people.person(who.subject), details, reason)
    if found is None:
        raise AccountNotFound
    account, person = found
    shown = Customer(
        account_id=account.id,
        name=open_contact(person, account, purpose="desk").name,
        email_verified=account.is_verified,
        created_at=account.created_at,
        second_factor=account.factors.any,
    )
    looked = {"access": access, "what": WHAT, "service": "auth", "staff": who.subject, "roles": roles_of(who)}
    await _note(deps, "staff-access", person, looked, reason)
    return shown


async def _find(deps: Deps, email: str) -> tuple[Account, PersonKey] | None:
    account = await deps.accounts.find_by_email(email_key(deps.index, email))
    if account is None or account.is_staff:
        return None
    try:
        return account, await deps.people.known(account.id)
    except PersonErased:
        return None


async def _note(deps: Deps, what: What, person: PersonKey, details: dict[str, str], reason: str) -> None:
    box = person.seal(reason, reason_place(details["access"]))
    await deps.trail.append(person.person_id, Note(what, deps.clock(), details, box))


def roles_of(who: Identity) -> str:
    """The roles of a member of the staff, as the trail names them."""
    return " ".join(sorted(who.roles - {_CUSTOMER}))
