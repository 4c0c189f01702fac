"""Registration and the proof of an address. Nobody learns here whether an address is known."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.auth.accounts.domain import PROOF_LASTS, Account, Proof, Registration
from services.auth.accounts.passwords import MailedCode, Password
from services.auth.deps import Deps
from services.auth.mail import mail
from services.auth.people import email_key, open_contact, place
from services.auth.refusals import AccountChanged, AddressTaken, TooManyTries, UnknownToken
from services.auth.throttle.store import Limit, mail_limit
from services.auth.tokens import fingerprint, fresh_token
from services.auth.trail.pending import noted
from shared.contracts.auth import AccountRegistered, AccountVerified, Recipient
from shared.events import Event
from shared.ids import new_id, new_number
from shared.personal import PersonErased, PersonKey

MAILS = mail_limit("mails", from_one=3, within=timedelta(hours=24), from_all=12)
"""How many mails strangers can make us send to one address."""

CODES = Limit("codes", most=10, within=timedelta(minutes=15), longest=timedelta(hours=1))
"""How often a mailed code may be typed for one address, known or not: at 40 bits nobody guesses it in its day."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for who wants an account; `language` is that of the mail, `network` whence it is asked."""

    email: str
    name: str
    password: Password
    language: str = "en"
    network: str = ""


async def register(deps: Deps, wish: Wish) -> None:
    """Send the address a link that makes the account its owner's, or tell the owner that there is one already.

    Until the address is proven each registration waits with its own link, whoever else asks at the same time. The
    work is the same in each case: one hash, one data key, one write with its mail.

    Raises:
        TooManyTries: from this network.
        InvalidInput: the password is too short, too common or too obvious.
        TransientError: too busy to hash it.
    """
    settings = deps.settings
    await deps.guard.admit_network(wish.network)
    await deps.rules.check(wish.password, known=(wish.email, wish.name, settings.shop_name, settings.site_name))
    key = email_key(deps.index, wish.email)
    try:
        await deps.guard.admit_mail(MAILS, key, network=wish.network)
    except TooManyTries:
        return  # unsaid: only the address would be told by it
    try:
        hashed, (known, person) = await asyncio.gather(deps.hashes.hash(wish.password), _known(deps, key))
        while not await _stored(deps, wish, known, person=person, hashed=hashed, key=key):
            known, person = await _known(deps, key)
    except PersonErased:
        return  # at this very moment, by another request


async def _known(deps: Deps, key: str) -> tuple[Account | None, PersonKey]:
    """The account of an address, if there is one, and the key for its values.

    Raises:
        PersonErased: the account is the last trace of an erasure that is under way.
    """
    known = await deps.accounts.find_by_email(key)
    if known is None:
        return None, await deps.people.person(new_id())
    try:
        return known, await deps.people.known(known.id)
    except PersonErased:
        still = await deps.accounts.find_by_email(key)
        if still is not None and still.id == known.id:
            raise
    return await _known(deps, key)  # it was only cleaned up: the address is free


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
    code = new_number()
    proof = Proof(fingerprint(token), now + PROOF_LASTS, code_hash=_code_hash(deps, MailedCode(code)))
    asked = Registration(
        proof,
        email=person.seal(wish.email, place("email", person.person_id)),
        name=person.seal(wish.name, place("name", person.person_id)),
        password=person.seal(hashed, place("password", person.person_id)),
        language=wish.language,
    )
    link = f"{deps.settings.public_url}/verify?t={token}"
    letter = mail(
        deps.sealer,
        "verify",
        Recipient(name=wish.name, email=wish.email, link=link, code=code),
        account_id=person.person_id,
        at=now,
        language=wish.language,
        expires_at=proof.expires_at,
    )
    if known is not None:
        await deps.accounts.save(known.ask_again(asked), [letter])
        return
    account = Account(
        person.person_id,
        key,
        asked.email,
        asked.name,
        asked.password,
        created_at=now,
        registrations=(asked,),
        language=wish.language,
    )
    registered = AccountRegistered(account_id=account.id, registered_at=now)
    await deps.accounts.add(account, [Event.of(registered, id=new_id(), subject=account.id, at=now), letter])


def _already_registered(deps: Deps, account: Account, person: PersonKey, language: str) -> Event:
    contact = open_contact(person, account, purpose="mail")
    recipient = Recipient(name=contact.name, email=contact.email, link=f"{deps.settings.public_url}/login")
    return mail(deps.sealer, "already-registered", recipient, account_id=account.id, at=deps.clock(), language=language)


def _code_hash(deps: Deps, code: MailedCode) -> bytes:
    """Keyed, for 40 bits are soon tried out by whoever has a copy of the database."""
    return bytes.fromhex(deps.index.of("mailed code", code.reveal()))


async def verify_address(deps: Deps, token: str) -> None:
    """The link was followed and the button pressed: what was registered with it becomes the account's, in one write.

    Raises:
        UnknownToken: there is no such link, or the address was proven by another one.
        SpentToken: used before, or older than a day.
    """
    token_hash = fingerprint(token)

    async def find() -> Account | None:
        return await deps.accounts.find_by_proof(token_hash)

    await _prove(deps, find, lambda account, now: account.verify(token_hash, at=now), by="link")


async def verify_by_code(deps: Deps, email: str, code: MailedCode, *, network: str = "") -> None:
    """The code of the mail was typed in place of following its link: likewise.

    Raises:
        TooManyTries: 10 in the last 15 minutes.
        UnknownToken: not the code of any mail to this address, known or not.
        SpentToken: used before, or older than a day.
    """
    key = email_key(deps.index, email)
    await deps.guard.admit(CODES, key, network=network)
    code_hash = _code_hash(deps, code)

    async def find() -> Account | None:
        return await deps.accounts.find_by_email(key)

    await _prove(deps, find, lambda account, now: account.verify_by_code(code_hash, at=now), by="code")
    await deps.guard.forget(CODES, key)


async def _prove(
    deps: Deps,
    find: Callable[[], Awaitable[Account | None]],
    verify: Callable[[Account, datetime], Account],
    *,
    by: str,
) -> None:
    """Try again while somebody registers or follows a link at this very moment: does this one still count?"""
    while True:
        account = await find()
        if account is None:
            raise UnknownToken
        now = deps.clock()
        verified = verify(account, now)
        event = AccountVerified(account_id=account.id, verified_at=now)
        # Only now, for strangers can register an address: the trail begins with its owner.
        notes = [noted(account.id, "registered", now), noted(account.id, "verified", now, by=by)]
        try:
            await deps.accounts.save(verified, [Event.of(event, id=new_id(), subject=account.id, at=now)], notes=notes)
        except AccountChanged:
            continue
        return
