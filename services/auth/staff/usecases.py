"""Who works here: accounts with roles beyond customer, made by a command and never by a page."""

import secrets
from dataclasses import dataclass, replace

from services.auth.accounts.domain import CUSTOMER, Account
from services.auth.accounts.passwords import Password, check_new_password
from services.auth.deps import Deps
from services.auth.people import email_key, open_contact, place
from services.auth.refusals import AccountNotFound, AddressTaken
from shared.contracts.auth import AccountRegistered, AccountVerified
from shared.events import Event
from shared.ids import new_id
from shared.personal import PersonKey

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_SECRET_CHARS = 32
"""160 bits, as RFC 4226 section 4 recommends."""


@dataclass(frozen=True, slots=True)
class NewStaff:
    """A person to appoint. `reset`: an account that is there gets this password and a new second factor."""

    email: str
    name: str
    role: str
    password: Password
    reset: bool = False


@dataclass(frozen=True, slots=True)
class StaffMember:
    """One row of `staff list`."""

    account_id: str
    email: str
    roles: list[str]


async def add_staff(deps: Deps, new: NewStaff) -> str:
    """Appoint somebody; the TOTP secret, which is not shown again.

    Raises:
        AddressTaken: there is an account, and `reset` was not asked for.
        InvalidInput: the password.
    """
    check_new_password(new.password, guesses=(new.email, new.name, deps.settings.shop_name, deps.settings.site_name))
    known = await deps.accounts.find_by_email(email_key(deps.index, new.email))
    if known is not None and not new.reset:
        raise AddressTaken
    hashed = await deps.hashes.hash(new.password)
    person = await deps.people.person(new_id() if known is None else known.id)
    secret = "".join(secrets.choice(_BASE32) for _ in range(_SECRET_CHARS))
    sealed = person.seal(secret, place("totp", person.person_id))
    password = person.seal(hashed, place("password", person.person_id))
    fresh = _new_account(deps, new, person, password=password)
    if known is None:
        account = fresh.appoint(new.role, secret=sealed)
        await deps.accounts.add(account, _events(account))
    else:
        changed = replace(known, password=password, proof=None, registrations=())
        if not known.is_verified:  # what it has may be a stranger's
            changed = replace(changed, email=fresh.email, name=fresh.name, verified_at=fresh.verified_at)
        await deps.accounts.save(changed.appoint(new.role, secret=sealed), [])
        await _end_everything(deps, known.id)
    return secret


async def remove_staff(deps: Deps, email: str) -> None:
    """Take all roles away and end all sessions; the person stays a customer.

    Raises:
        AccountNotFound: nobody of the staff has this address.
    """
    account = await deps.accounts.find_by_email(email_key(deps.index, email))
    if account is None or not account.is_staff:
        raise AccountNotFound
    await deps.accounts.save(account.dismiss(), [])
    await _end_everything(deps, account.id)


async def list_staff(deps: Deps) -> list[StaffMember]:
    """Everybody with a role beyond customer."""
    members = []
    for account in await deps.accounts.staff():
        person = await deps.people.known(account.id)
        email = open_contact(person, account, purpose="staff").email
        members.append(StaffMember(account.id, email, sorted(account.roles - {CUSTOMER})))
    return members


def _new_account(deps: Deps, new: NewStaff, person: PersonKey, *, password: bytes) -> Account:
    now = deps.clock()
    return Account(
        id=person.person_id,
        email_key=email_key(deps.index, new.email),
        email=person.seal(new.email, place("email", person.person_id)),
        name=person.seal(new.name, place("name", person.person_id)),
        password=password,
        created_at=now,
        verified_at=now,
    )


def _events(account: Account) -> list[Event]:
    at = account.created_at
    registered = AccountRegistered(account_id=account.id, registered_at=at)
    verified = AccountVerified(account_id=account.id, verified_at=at)
    return [Event.of(contract, id=new_id(), subject=account.id, at=at) for contract in (registered, verified)]


async def _end_everything(deps: Deps, account_id: str) -> None:
    """Roles are copied into sessions: a change of them ends all."""
    await deps.remembered.end_account(account_id, at=deps.clock())
    await deps.sessions.end_account(account_id)
