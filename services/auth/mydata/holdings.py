"""What auth itself holds of a person: the account, where it is logged in, second factors, and its trail."""

from collections.abc import Mapping

from services.auth.accounts.domain import Account
from services.auth.accounts.owner import Owner
from services.auth.deps import Deps
from services.auth.factors.passkeys import passkey_name
from services.auth.mydata.domain import Outcome
from services.auth.people import email_key, open_contact, open_former
from services.auth.trail.usecases import read_trail
from shared.contracts.persons import Kept, Person
from shared.identity import Identity
from shared.personal import PersonKey
from shared.persons import Row, Sections, counted

PURPOSE = "export"
_PAGE = 500


async def collect(deps: Deps, owner: Owner, who: Identity) -> Sections:
    """Everything of the account; of secrets only that they are there."""
    account, person = owner.account, owner.person
    return {
        "profile": [_profile(account, person)],
        "sessions": await _sessions(deps, account),
        "remembered-browsers": await _remembered(deps, account),
        "second-factors": _factors(account, person),
        "trail": await _trail(deps, who),
    }


async def tally(deps: Deps, account: Account) -> Outcome:
    """What the erasure of an account takes here, and what stays: that something happened, to nobody."""
    now = deps.clock()
    series = await deps.remembered.of_account(account.id)
    erased = counted(
        account=1,
        sessions=len(await deps.sessions.of_account(account.id)),
        remembered_browsers=sum(each.ended_at is None and now < each.expires_at for each in series),
        second_factors=len(account.factors.passkeys) + (account.factors.authenticator is not None),
        exports=len(await deps.exports.of_account(account.id)),
    )
    await deps.notes.settled()
    newest = await deps.trail.of_account(account.id, limit=1)
    entries = newest[0].number if newest else 0
    trail = Kept(what="audit-trail", why="security", count=entries)
    return Outcome(erased, (trail,) if entries else ())


async def person_of(deps: Deps, owner: Owner, *, purpose: str) -> Person:
    """By what the other services may know the person: the address of now, and former ones.

    A former one that has another proven account by now is left out: what is known by it is that one's.
    """
    email = owner.contact(purpose=purpose).email
    former = []
    for each in open_former(owner.person, owner.account, purpose=purpose):
        holder = await deps.accounts.find_by_email(email_key(deps.index, each))
        if holder is None or not holder.is_verified:
            former.append(each)
    return Person(email=email, former_emails=tuple(former))


def _profile(account: Account, person: PersonKey) -> Row:
    contact = open_contact(person, account, purpose=PURPOSE)
    return {
        "account_id": account.id,
        "email": contact.email,
        "former_emails": list(open_former(person, account, purpose=PURPOSE)),
        "name": contact.name,
        "language": account.language,
        "roles": sorted(account.roles),
        "created_at": account.created_at.isoformat(),
        "verified_at": account.verified_at.isoformat() if account.verified_at else None,
    }


async def _sessions(deps: Deps, account: Account) -> list[Row]:
    return [
        {
            "device": each.device,
            "created_at": each.created_at.isoformat(),
            "seen_at": each.seen_at.isoformat(),
            "password_given_at": each.confirmed_at.isoformat() if each.confirmed_at else None,
            "remembered": each.remembered,
        }
        for each in await deps.sessions.of_account(account.id)
    ]


async def _remembered(deps: Deps, account: Account) -> list[Row]:
    return [
        {
            "device": each.device,
            "created_at": each.created_at.isoformat(),
            "used_at": each.rotated_at.isoformat(),
            "expires_at": each.expires_at.isoformat(),
            "ended_at": each.ended_at.isoformat() if each.ended_at else None,
        }
        for each in await deps.remembered.of_account(account.id)
    ]


def _factors(account: Account, person: PersonKey) -> list[Row]:
    factors = account.factors
    rows: list[Row] = [
        {
            "kind": "passkey",
            "name": passkey_name(person, account, each, purpose=PURPOSE),
            "created_at": each.created_at.isoformat(),
            "used_at": each.used_at.isoformat() if each.used_at else None,
        }
        for each in factors.passkeys
    ]
    if factors.authenticator is not None:
        rows.append({"kind": "authenticator"})
    if factors.recovery:
        rows.append({"kind": "recovery-codes", "left": len(factors.recovery)})
    return rows


async def _trail(deps: Deps, who: Identity) -> list[Row]:
    page = await read_trail(deps, who, limit=_PAGE)
    entries = list(page.items)
    while page.after:
        page = await read_trail(deps, who, limit=_PAGE, after=page.after)
        entries += page.items
    entries.sort(key=lambda each: (each.at, each.number), reverse=True)
    return [{"what": each.what, "at": each.at.isoformat(), **_details(each.details)} for each in entries]


def _details(details: Mapping[str, str]) -> Row:
    return {"details": dict(details)} if details else {}
