"""Registration and the proof of an address. Nobody learns here whether an address is known."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from services.auth.accounts.domain import PROOF_LASTS, Account, Proof, Registration
from services.auth.accounts.passwords import Password, check_new_password
from services.auth.deps import Deps
from services.auth.mail import mail
from services.auth.people import email_key, open_contact, place
from services.auth.refusals import AccountChanged, AddressTaken, UnknownToken
from services.auth.throttle.store import Limit
from services.auth.tokens import fingerprint, fresh_token
from shared.contracts.auth import AccountRegistered, AccountVerified, Recipient
from shared.events import Event
from shared.ids import new_id
from shared.personal import PersonErased, PersonKey

MAILS = Limit("mails", most=5, within=timedelta(hours=24))
"""How many mails strangers can make us send to one address."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for who wants an account; `language` is that of the mail."""

    email: str
    name: str
    password: Password
    language: str = "en"


async def register(deps: Deps, wish: Wish) -> None:
    """Send the address a link that makes the account its owner's, or tell the owner that there is one already.

    Until the address is proven each registration waits with its own link, whoever else asks at the same time. The
    work is the same in each case: one hash, one data key, one write with its mail.

    Raises:
        InvalidInput: the password is too short or too obvious.
        TransientError: too busy to hash it.
    """
    settings = deps.settings
    check_new_password(wish.password, guesses=(wish.email, wish.name, settings.shop_name, settings.site_name))
    key = email_key(deps.index, wish.email)
    if await deps.tries.take(MAILS, key, at=deps.clock()) is not None:
        return
    known = await deps.accounts.find_by_email(key)
    try:
        hashed, person = await asyncio.gather(deps.hashes.hash(wish.password), _data_key(deps, known))
        while not await _stored(deps, wish, known, person=person, hashed=hashed, key=key):
            known = await deps.accounts.find_by_email(key)
            person = await _data_key(deps, known)
    except PersonErased:
        return  # at this very moment, by another request


async def _data_key(deps: Deps, known: Account | None) -> PersonKey:
    return await (deps.people.person(new_id()) if known is None else deps.people.known(known.id))


async def _stored(deps: Deps, wish: Wish, known: Account | None, *, person: PersonKey, hashed: str, key: str) -> bool:
    """Write the registration with its mail; False where another request has changed the account since it was read.

    That is no reason to drop it: else a stranger who is quicker by a moment has the only link.
    """
    try:
        if known is not None and known.is_verified:
            await deps.accounts.save(known, [_already_registered(deps, known, person, wish.language)])
        else:
            await _ask_for_proof(deps, wish, known, person=person, hashed=hashed, key=key)
    except (AddressTaken, AccountChanged):
        return False
    return True


async def _ask_for_proof(
    deps: Deps, wish: Wish, known: Account | None, *, person: PersonKey, hashed: str, key: str
) -> None:
    now = deps.clock()
    token = fresh_token()
    proof = Proof(fingerprint(token), now + PROOF_LASTS)
    asked = Registration(
        proof,
        email=person.seal(wish.email, place("email", person.person_id)),
        name=person.seal(wish.name, place("name", person.person_id)),
        password=person.seal(hashed, place("password", person.person_id)),
    )
    link = f"{deps.settings.public_url}/verify?t={token}"
    letter = mail(
        deps.sealer,
        "verify",
        Recipient(name=wish.name, email=wish.email, link=link),
        account_id=person.person_id,
        at=now,
        language=wish.language,
        expires_at=proof.expires_at,
    )
    if known is not None:
        await deps.accounts.save(known.ask_again(asked), [letter])
        return
    account = Account(
        person.person_id, key, asked.email, asked.name, asked.password, created_at=now, registrations=(asked,)
    )
    registered = AccountRegistered(account_id=account.id, registered_at=now)
    await deps.accounts.add(account, [Event.of(registered, id=new_id(), subject=account.id, at=now), letter])


def _already_registered(deps: Deps, account: Account, person: PersonKey, language: str) -> Event:
    contact = open_contact(person, account, purpose="mail")
    recipient = Recipient(name=contact.name, email=contact.email, link=f"{deps.settings.public_url}/login")
    return mail(deps.sealer, "already-registered", recipient, account_id=account.id, at=deps.clock(), language=language)


async def verify_address(deps: Deps, token: str) -> None:
    """The link was followed and the button pressed: what was registered with it becomes the account's, in one write.

    Raises:
        UnknownToken: there is no such link, or the address was proven by another one.
        SpentToken: used before, or older than a day.
    """
    while not await _verified(deps, fingerprint(token)):
        pass  # somebody registered or followed a link at this very moment: does this one still count?


async def _verified(deps: Deps, token_hash: bytes) -> bool:
    account = await deps.accounts.find_by_proof(token_hash)
    if account is None:
        raise UnknownToken
    now = deps.clock()
    verified = account.verify(token_hash, at=now)
    event = AccountVerified(account_id=account.id, verified_at=now)
    try:
        await deps.accounts.save(verified, [Event.of(event, id=new_id(), subject=account.id, at=now)])
    except AccountChanged:
        return False
    return True
