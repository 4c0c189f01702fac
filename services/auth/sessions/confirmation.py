"""What asks for the password again: whoever finds a browser open must not change how its owner gets in (P4)."""

from dataclasses import dataclass, replace

from services.auth.accounts.domain import Account
from services.auth.accounts.passwords import Password
from services.auth.deps import Deps
from services.auth.factors.check import NOTHING, Given, take_factor, take_passkey, wrong
from services.auth.people import place
from services.auth.refusals import (
    AccountNotFound,
    NoSession,
    WrongCredentials,
    WrongPassword,
    WrongSecondFactor,
)
from services.auth.sessions.domain import Session
from services.auth.sessions.login import TRIES
from services.auth.trail.pending import noted
from shared.errors import FieldError, InvalidInput
from shared.http.context import FreshLoginRequired
from shared.identity import Identity
from shared.personal import PersonErased, PersonKey


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the owner of a session gives again: the password with a second factor, or a passkey alone."""

    password: Password | None
    factor: Given = NOTHING


async def session_of(deps: Deps, who: Identity) -> Session:
    """The session behind an identity.

    Raises:
        NoSession: it has ended.
    """
    session = await deps.sessions.find_by_id(who.subject, who.session)
    if session is None:
        raise NoSession
    return session


async def recent_session(deps: Deps, who: Identity) -> Session:
    """The session behind an identity, in which the password was given within `RECENT`.

    Raises:
        NoSession: it has ended.
        FreshLoginRequired: too long ago, or never.
    """
    session = await session_of(deps, who)
    if not session.is_recent(deps.clock()):
        raise FreshLoginRequired
    return session


async def confirm(deps: Deps, who: Identity, given: Confirmation, *, network: str = "") -> Session:
    """Make a session recent, also one that was only remembered. Guesses count together with those at the login.

    Raises:
        InvalidInput: neither a password nor a passkey.
        NoSession: it has ended.
        TooManyTries: wait a while.
        SecondFactorRequired: the password is right, and the account has a second factor.
        WrongPassword, WrongSecondFactor: name what is not right; the session stays.
    """
    if given.password is None and given.factor.passkey is None:
        raise InvalidInput(fields=[FieldError("/password", "missing", "a password or a passkey is needed")])
    session = await session_of(deps, who)
    try:
        account = await deps.accounts.get(who.subject)
        person = await deps.people.known(account.id)
    except (AccountNotFound, PersonErased):
        raise NoSession from None
    async with deps.guard.attempt(TRIES, account.email_key, network=network, known=True):
        try:
            await _check(deps, account, person, given)
        except (WrongPassword, WrongSecondFactor):
            deps.refused.note(account.id)
            raise
    now = deps.clock()
    how = "password" if given.password is not None else "passkey"
    note = noted(account.id, "password-confirmed", now, how=how)
    if not await deps.sessions.confirm(session.key, at=now, notes=[note]):
        raise NoSession
    return replace(session, confirmed_at=now)


async def _check(deps: Deps, account: Account, person: PersonKey, given: Confirmation) -> None:
    if given.password is None:
        assert given.factor.passkey is not None
        try:
            await take_passkey(deps, account, given.factor.passkey)
        except WrongCredentials:
            raise WrongSecondFactor(fields=[wrong(given.factor)]) from None
        return
    hashed = person.open(account.password, place("password", account.id), purpose="login").decode()
    if not await deps.hashes.check(given.password, hashed):
        raise WrongPassword(fields=[FieldError("/password", "wrong-password", "is not your password")])
    try:
        await take_factor(deps, account, person, given.factor)
    except WrongCredentials as refusal:
        raise WrongSecondFactor(fields=refusal.fields) from None
