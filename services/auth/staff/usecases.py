"""Who works here: accounts with roles beyond customer, made by a command and never by a page."""

from dataclasses import dataclass, replace

from services.auth.accounts.domain import CUSTOMER, Account
from services.auth.accounts.passwords import Password
from services.auth.deps import Deps
from services.auth.factors.changes import factors_mail
from services.auth.factors.totp import new_secret
from services.auth.people import email_key, open_contact, place
from services.auth.refusals import AccountNotFound, AddressTaken
from services.auth.sessions.devices import end_everywhere
from services.auth.trail.pending import Noted, noted
from shared.contracts.auth import AccountRegistered, AccountVerified
from shared.events import Event
from shared.ids import new_id
from shared.personal import PersonKey

TAKEN = "The address has an account already; --reset appoints it with a new password and a new authenticator."


@dataclass(frozen=True, slots=True)
class NewStaff:
    """A person to appoint.

    `reset`: an account that is there gets this password and a new authenticator; its passkeys and recovery codes end.
    """

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
    await deps.rules.check(new.password, known=(new.email, new.name, deps.settings.shop_name, deps.settings.site_name))
    known = await deps.accounts.find_by_email(email_key(deps.index, new.email))
    if known is not None and not new.reset:
        raise AddressTaken(TAKEN)
    hashed = await deps.hashes.hash(new.password)
    person = await deps.people.person(new_id() if known is None else known.id)
    secret = new_secret()
    sealed = person.seal(secret, place("totp", person.person_id))
    password = person.seal(hashed, place("password", person.person_id))
    fresh = _new_account(deps, new, person, password=password)
    if known is None:
        account = fresh.appoint(new.role, secret=sealed)
        await deps.accounts.add(account, _events(account), notes=[_roles_note(deps, account)])
    else:
        account = _reset(known, fresh).appoint(new.role, secret=sealed)
        added = noted(account.id, "authenticator-added", deps.clock(), by="staff-command")
        letter = factors_mail(deps, account, person)
        await deps.accounts.save(account, [letter], notes=[added, _roles_note(deps, account)])
        await end_everywhere(deps, known.id)  # roles are copied into sessions
    return secret


async def remove_staff(deps: Deps, email: str) -> list[str]:
    """Take all roles away and end all sessions; the person stays a customer, with the second factors they have.

    Returns:
        The roles that they had.

    Raises:
        AccountNotFound: nobody of the staff has this address.
    """
    account = await deps.accounts.find_by_email(email_key(deps.index, email))
    if account is None or not account.is_staff:
        raise AccountNotFound("Nobody of the staff has this address.")
    dismissed = replace(account.dismiss(), factors=account.factors)
    await deps.accounts.save(dismissed, [], notes=[_roles_note(deps, dismissed)])
    await end_everywhere(deps, account.id)  # roles are copied into sessions
    return sorted(account.roles - {CUSTOMER})


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


def _reset(known: Account, fresh: Account) -> Account:
    """The account with the new password, and nothing left that could open or move it."""
    changed = replace(
        known.with_password(fresh.password, is_long=True), proof=None, registrations=(), email_change=None
    )
    if known.is_verified:
        return changed
    # What it has may be a stranger's.
    return replace(changed, email=fresh.email, name=fresh.name, verified_at=fresh.verified_at)


def _roles_note(deps: Deps, account: Account) -> Noted:
    return noted(account.id, "roles-changed", deps.clock(), roles=" ".join(sorted(account.roles)))


def _events(account: Account) -> list[Event]:
    at = account.created_at
    registered = AccountRegistered(account_id=account.id, registered_at=at)
    verified = AccountVerified(account_id=account.id, verified_at=at)
    return [Event.of(contract, id=new_id(), subject=account.id, at=at) for contract in (registered, verified)]
