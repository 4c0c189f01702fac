"""What the owner of an account changes of it: password, address, name, language."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from services.auth.accounts.domain import EMAIL_CHANGE_LASTS, Account, EmailChange, Proof
from services.auth.accounts.owner import Owner, check_password_of, owner_by, tell_owner
from services.auth.accounts.passwords import Password
from services.auth.accounts.registration import MAILS
from services.auth.accounts.rules import is_long
from services.auth.deps import Deps
from services.auth.mail import mail
from services.auth.people import email_key, place
from services.auth.refusals import (
    AccountChanged,
    AccountNotFound,
    AddressTaken,
    NoSession,
    SpentToken,
    TooManyTries,
    UnknownToken,
    WrongPassword,
)
from services.auth.sessions.confirmation import recent_session
from services.auth.sessions.devices import end_elsewhere, end_everywhere
from services.auth.sessions.login import TRIES, LoggedIn, begin_session
from services.auth.sessions.visit import Visit
from services.auth.throttle.store import Limit
from services.auth.tokens import fingerprint, fresh_token
from services.auth.trail.pending import Noted, noted
from shared.contracts.auth import MailTemplate, Recipient
from shared.errors import FieldError, InvalidInput, TransientError
from shared.events import Event
from shared.identity import Identity
from shared.personal import PersonErased

log = structlog.get_logger()

EMAIL_CHANGES = Limit("email-changes", most=5, within=timedelta(hours=24))
"""How often one account may ask for another address: each time two mails are sent."""

_ATTEMPTS = 5


async def change_password(deps: Deps, who: Identity, *, current: Password, new: Password, visit: Visit) -> LoggedIn:
    """Another password in place of the current one, and a new session: everybody else is logged out.

    Where the password alone does not log in, it is not enough here either: the session must be recent.

    Raises:
        NoSession: it has ended.
        FreshLoginRequired: the account has a second factor, and the session is not recent.
        TooManyTries: guesses at the current password count together with those at the login.
        WrongPassword: the current password is another one.
        InvalidInput: names `/new_password`.
        TransientError: too busy to check or hash it.
        AccountChanged: somebody else was quicker.
    """
    owner = await owner_by(deps, who)
    account, person = owner.account, owner.person
    if account.factors.any or account.is_staff:
        await recent_session(deps, who)
    async with deps.guard.attempt(TRIES, account.email_key, network=visit.network, known=True):
        sealed = person.open(account.password, place("password", account.id), purpose="login").decode()
        if not await deps.hashes.check(current, sealed):
            deps.refused.note(account.id)
            raise WrongPassword(fields=[FieldError("/current_password", "wrong-password", "is not your password")])
    if new == current:
        raise InvalidInput(fields=[FieldError("/new_password", "password-unchanged", "must be another one")])
    await check_password_of(deps, owner, new, pointer="/new_password")
    hashed = person.seal(await deps.hashes.hash(new), place("password", account.id))
    letter = tell_owner(deps, owner, "password-changed", page="/password/forgot")
    await end_elsewhere(deps, who)  # before too: a crash after the write must leave nobody else logged in
    note = noted(account.id, "password-changed", deps.clock())
    changed = await deps.accounts.save(account.with_password(hashed, is_long=is_long(new)), [letter], notes=[note])
    await end_everywhere(deps, account.id)
    log.info("password changed", account_id=account.id)
    return await begin_session(deps, changed, person, remember=False, visit=visit)


async def ask_email_change(deps: Deps, who: Identity, email: str) -> None:
    """Mail both addresses: the account gets the new one once both have agreed, within a day.

    Whether the new address has an account already is told to that address alone.

    Raises:
        NoSession, FreshLoginRequired: see `recent_session`.
        TooManyTries: five in a day.
        InvalidInput: it is the account's address already.
        AccountChanged: somebody else was quicker.
    """
    await recent_session(deps, who)
    owner = await owner_by(deps, who)
    key = email_key(deps.index, email)
    if key == owner.account.email_key:
        raise InvalidInput(fields=[FieldError("/email", "email-unchanged", "is your address already")])
    await deps.guard.admit(EMAIL_CHANGES, owner.account.id, known=True)
    holder = await deps.accounts.find_by_email(key)
    is_taken = holder is not None and holder.is_verified
    change, letters = _wanted(deps, owner, email, key=key, is_taken=is_taken)
    try:
        await deps.guard.admit_mail(MAILS, key, network=owner.account.id)  # each account counts as a network does
    except TooManyTries:
        letters = letters[:1]  # strangers have had that address mailed often enough
    note = noted(owner.account.id, "email-change-asked", deps.clock())
    await deps.accounts.save(replace(owner.account, email_change=change), letters, notes=[note])


def _wanted(deps: Deps, owner: Owner, email: str, *, key: str, is_taken: bool) -> tuple[EmailChange, list[Event]]:
    """The change with a mail to the old address and one to the new.

    Where the new one is taken, nobody ever gets the token that would confirm it.
    """
    account, now = owner.account, deps.clock()
    until = now + EMAIL_CHANGE_LASTS
    confirm, approve = fresh_token(), fresh_token()
    change = EmailChange(
        email_key=key,
        email=owner.person.seal(email, place("email", account.id)),
        confirm=Proof(fingerprint(confirm), until),
        approve=Proof(fingerprint(approve), until),
    )
    template: MailTemplate = "already-registered" if is_taken else "email-confirm"
    page = "/login" if is_taken else f"/email/confirm?t={confirm}"
    to_new = mail(
        deps.sealer,
        template,
        Recipient(name="", email=email, link=f"{deps.settings.public_url}{page}"),
        account_id=account.id,
        at=now,
        language=account.language,
        expires_at=until,
    )
    to_old = tell_owner(deps, owner, "email-approve", page=f"/email/confirm?t={approve}", expires_at=until)
    return change, [to_old, to_new]


async def confirm_email_change(deps: Deps, token: str) -> bool:
    """One of the two links was followed and its button pressed; whether the address is now the new one.

    Raises:
        UnknownToken: there is no such token, or another change was asked for since.
        SpentToken: used before, older than a day, or somebody has proven the new address for another account.
        TransientError: others keep changing the account.
    """
    token_hash = fingerprint(token)
    for _ in range(_ATTEMPTS):
        account = await deps.accounts.find_by_email_token(token_hash)
        if account is None:
            raise UnknownToken
        try:
            return await _agreed(deps, account, account.agree(token_hash, at=deps.clock()))
        except (AccountChanged, AddressTaken):
            continue  # by whom, and does the token still count?
    raise TransientError("the account is being changed", retry_after_s=2)


async def _agreed(deps: Deps, before: Account, after: Account) -> bool:
    if after.email_key == before.email_key:
        await deps.accounts.save(after, [])
        return False
    try:
        owner = Owner(before, await deps.people.known(before.id))
    except PersonErased:
        raise UnknownToken from None
    await _make_room(deps, before, after.email_key)
    note = noted(before.id, "email-changed", deps.clock())
    await deps.accounts.save(after, [tell_owner(deps, owner, "email-changed")], notes=[note])
    log.info("address changed", account_id=before.id)
    return True


async def _make_room(deps: Deps, account: Account, key: str) -> None:
    """A registration of the new address that nobody has proven ends: its owner has just agreed to something else.

    Raises:
        SpentToken: somebody has proven the address for another account.
        AccountChanged: somebody is about to.
    """
    holder = await deps.accounts.find_by_email(key)
    if holder is None:
        return
    if holder.is_verified:
        await deps.accounts.save(replace(account, email_change=None), [])
        raise SpentToken
    if not await deps.accounts.remove(holder):
        raise AccountChanged
    await deps.people.erase(holder.id)


async def change_name(deps: Deps, who: Identity, name: str) -> None:
    """Correct the name.

    Raises:
        NoSession: it has ended.
        TransientError: others keep changing the account.
    """
    owner = await owner_by(deps, who)
    sealed = owner.person.seal(name, place("name", owner.account.id))
    note = noted(owner.account.id, "name-changed", deps.clock())
    await _change(deps, owner.account.id, lambda account: replace(account, name=sealed), notes=[note])


async def prefer_language(deps: Deps, who: Identity, language: str) -> None:
    """Write the account's mails in this language from now on.

    Raises:
        NoSession: the account is gone.
        TransientError: others keep changing the account.
    """
    await _change(deps, who.subject, lambda account: replace(account, language=language))


async def _change(
    deps: Deps, account_id: str, change: Callable[[Account], Account], *, notes: Sequence[Noted] = ()
) -> None:
    for _ in range(_ATTEMPTS):
        try:
            account = await deps.accounts.get(account_id)
            changed = change(account)
            if changed != account:
                await deps.accounts.save(changed, [], notes=notes)
            return
        except AccountNotFound:
            raise NoSession from None
        except AccountChanged:
            continue
    raise TransientError("the account is being changed", retry_after_s=2)
