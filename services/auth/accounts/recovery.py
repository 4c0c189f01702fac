"""A forgotten password: a mailed token chooses another one, once, within ten minutes."""

from datetime import datetime, timedelta

import structlog

from services.auth.accounts.domain import RESET_LASTS, Account, Reset
from services.auth.accounts.owner import Owner, check_password_of, tell_owner
from services.auth.accounts.passwords import Password
from services.auth.accounts.rules import is_long
from services.auth.deps import Deps
from services.auth.mail import mail
from services.auth.people import email_key, open_contact, place
from services.auth.refusals import AccountChanged, AccountNotFound, SpentToken, UnknownToken
from services.auth.sessions.devices import end_everywhere
from services.auth.sessions.login import TRIES
from services.auth.sessions.visit import Visit
from services.auth.throttle.browsers import known_browser
from services.auth.throttle.store import mail_limit
from services.auth.tokens import fingerprint, fresh_token
from services.auth.trail.pending import Noted, noted
from shared.contracts.auth import AccountVerified, Recipient
from shared.errors import FieldError, InvalidInput
from shared.events import Event
from shared.ids import new_id
from shared.personal import PersonErased, PersonKey

log = structlog.get_logger()

RESETS = mail_limit("resets", from_one=3, within=timedelta(hours=1), from_all=12)
"""How many mails for a new password go to one address; the owner's known browsers have as many for themselves."""

_NAMELESS = "Customer"
"""The name of whoever proves by a reset an address that others may have registered; it is theirs to change."""


async def ask_reset(deps: Deps, email: str, *, language: str, visit: Visit) -> None:
    """Mail the address a token, if it has an account, proven or not: whoever follows the link proves it thereby.

    The work is the same for an address without one: the same reads, a mail sealed, one write. So nothing is noted in
    the trail yet; `reset_password` notes both.

    Args:
        deps: what it needs.
        email: as it was typed.
        language: of the visitor; an account's mails are in its own.
        visit: the browser that asks.

    Raises:
        TooManyTries: for this address, known or not, or from this network.
    """
    key = email_key(deps.index, email)
    is_known = await known_browser(deps, key, visit.presented)
    await deps.guard.admit_network(visit.network)
    await deps.guard.admit_mail(RESETS, key, network=visit.network, known=is_known)
    account, person = await _find(deps, key)
    token = fresh_token()
    now = deps.clock()
    reset = Reset(fingerprint(token), now + RESET_LASTS)
    link = f"{deps.settings.public_url}/password/reset?t={token}"
    recipient = Recipient(name="", email=email, link=link)
    if account is not None and person is not None:
        reset = Reset(reset.id, reset.expires_at, account.id, account.email_key, account.password_serial)
        recipient = Recipient(name="", email=open_contact(person, account, purpose="mail").email, link=link)
    letter = mail(
        deps.sealer,
        "reset",
        recipient,
        account_id=reset.account_id,
        at=now,
        language=account.language if account else language,
        expires_at=reset.expires_at,
    )
    await deps.resets.add(reset, [letter] if account else [])


async def _find(deps: Deps, key: str) -> tuple[Account | None, PersonKey | None]:
    """The account and the key of its values; where there is none, the same reads: one of each, none remembered."""
    account = await deps.accounts.find_by_email(key)
    try:
        return account, await deps.people.known(account.id if account else new_id(), fresh=True)
    except PersonErased:
        return None, None


async def is_open(deps: Deps, token: str) -> bool:
    """Whether `reset_password` would take the token now; looking spends nothing."""
    reset = await deps.resets.find(fingerprint(token))
    if reset is None:
        return False
    try:
        reset.check((await _owner(deps, reset)).account, at=deps.clock())
    except (UnknownToken, SpentToken):
        return False
    return True


async def reset_password(deps: Deps, token: str, password: Password) -> None:
    """Choose another password with a mailed token; an address that was not proven yet is thereby.

    Everybody is logged out everywhere, all tokens of the account are spent, and tries at its login begin anew. The
    authenticator stays with its recovery codes unless it may be a stranger's (`Account.begin_reset`); passkeys, which
    log in without a password, go. Of parallel uses one wins: the token is good for one serial of the password.

    Raises:
        UnknownToken: there is no such token, or its account is gone.
        SpentToken: used before, overtaken by another change, or older than ten minutes.
        InvalidInput: the password is too short, too common or too obvious, or it is the one of now.
        TransientError: too busy to check or hash it.
    """
    reset = await deps.resets.find(fingerprint(token))
    if reset is None:
        raise UnknownToken
    while not await _reset(deps, reset, password):
        pass  # the account was changed at this very moment: does the token still count?


async def _reset(deps: Deps, reset: Reset, password: Password) -> bool:
    owner = await _owner(deps, reset)
    reset.check(owner.account, at=deps.clock())
    nameless = owner.person.seal(_NAMELESS, place("name", owner.account.id))
    begun = owner.account.begin_reset(nameless, at=deps.clock())
    told = Owner(begun, owner.person)
    await check_password_of(deps, told, password)
    await _check_another(deps, owner, password)
    hashed = await deps.hashes.hash(password)
    now = deps.clock()
    account = begun.reset_password(
        owner.person.seal(hashed, place("password", begun.id)), is_long=is_long(password), at=now
    )
    letters = [tell_owner(deps, told, "password-changed", page="/password/forgot")]
    if begun.factors != owner.account.factors:
        letters.append(tell_owner(deps, told, "second-factor-changed"))
    if not owner.account.is_verified:
        verified = AccountVerified(account_id=account.id, verified_at=now)
        letters.append(Event.of(verified, id=new_id(), subject=account.id, at=now))
    await end_everywhere(deps, account.id)  # before too: a crash after the write must leave nobody logged in
    try:
        await deps.accounts.save(account, letters, notes=_notes(owner.account, account, reset, at=now))
    except AccountChanged:
        return False
    await end_everywhere(deps, account.id)
    await deps.guard.forget(TRIES, account.email_key)
    log.info("password reset", account_id=account.id)
    return True


async def _check_another(deps: Deps, owner: Owner, password: Password) -> None:
    account = owner.account
    hashed = owner.person.open(account.password, place("password", account.id), purpose="login").decode()
    if await deps.hashes.check(password, hashed):
        raise InvalidInput(fields=[FieldError("/password", "password-unchanged", "must be another one")])


async def _owner(deps: Deps, reset: Reset) -> Owner:
    try:
        return Owner(await deps.accounts.get(reset.account_id), await deps.people.known(reset.account_id))
    except (AccountNotFound, PersonErased):
        raise UnknownToken from None


def _notes(before: Account, after: Account, reset: Reset, *, at: datetime) -> list[Noted]:
    notes = []
    if not before.is_verified:
        notes += [noted(before.id, "registered", at), noted(before.id, "verified", at, by="reset")]
    asked_at = (reset.expires_at - RESET_LASTS).isoformat()
    notes += [noted(before.id, "password-reset-asked", at, asked_at=asked_at), noted(before.id, "password-reset", at)]
    if before.factors.authenticator is not None and after.factors.authenticator is None:
        notes.append(noted(before.id, "authenticator-removed", at, by="reset"))
    gone = [each for each in before.factors.passkeys if each not in after.factors.passkeys]
    return notes + [noted(before.id, "passkey-removed", at, passkey=each.public_id, by="reset") for each in gone]
