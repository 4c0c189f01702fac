"""Logging in with a password, and out. One refusal for every wrong reason, and the same work for each."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.auth.accounts.domain import Account
from services.auth.accounts.passwords import Password
from services.auth.accounts.renewal import renew_hash
from services.auth.deps import Deps
from services.auth.factors.check import NOTHING, Given, take_factor
from services.auth.people import Contact, email_key, open_contact, place
from services.auth.refusals import AccountNotFound, WrongCredentials
from services.auth.sessions.cookies import Ticket
from services.auth.sessions.domain import Session
from services.auth.sessions.remembered import LASTS, RememberedBrowser
from services.auth.sessions.visit import Presented, Visit
from services.auth.throttle.browsers import known_browser
from services.auth.throttle.store import Limit
from services.auth.tokens import fingerprint, fresh_token
from services.auth.trail.domain import What
from services.auth.trail.pending import noted
from shared.ids import new_id, new_token
from shared.personal import PersonErased, PersonKey

log = structlog.get_logger()

TRIES = Limit("login", most=10, within=timedelta(minutes=15), longest=timedelta(hours=1))
"""How often passwords and codes may be tried for one address, known or not (P19).

After the third time an hour is all that strangers can keep the owner's new browser waiting.
"""

_NOBODY = "nobody"
"""Has a data key as everybody has, so that an unknown address costs the same look-up as a known one."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody gives to log in."""

    email: str
    password: Password
    factor: Given = NOTHING


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The outcome: whom to greet, and the values of the cookies to set."""

    account: Account
    contact: Contact
    session: Session
    session_cookie: str
    remember_cookie: str | None

    def __repr__(self) -> str:
        return "LoggedIn(hidden)"


async def log_in(deps: Deps, credentials: Credentials, *, remember: bool, visit: Visit) -> LoggedIn:
    """Begin a new session; what this browser had before ends.

    Raises:
        TooManyTries: 10 in the last 15 minutes.
        WrongCredentials: address, password or code, or the address is not proven yet; never says which.
        SecondFactorRequired: only after the right password.
        TransientError: too busy to check it.
    """
    key = email_key(deps.index, credentials.email)
    is_known = await known_browser(deps, key, visit.presented)
    async with deps.guard.attempt(TRIES, key, network=visit.network, known=is_known):
        account, person = await _find(deps, key)
        try:
            account = await _prove(deps, account, person, credentials)
        except WrongCredentials:
            if account is not None:
                deps.refused.note(account.id)
            raise
    account = await renew_hash(deps, account, person, credentials.password)
    return await begin_session(deps, account, person, remember=remember, visit=visit)


async def _find(deps: Deps, key: str) -> tuple[Account | None, PersonKey]:
    """The account and the key of its values; an account whose key is erased is as good as none."""
    account = await deps.accounts.find_by_email(key)
    if account is not None:
        try:
            return account, await deps.people.known(account.id)
        except PersonErased:
            pass
    return None, await deps.people.person(_NOBODY)


async def _prove(deps: Deps, account: Account | None, person: PersonKey, credentials: Credentials) -> Account:
    if not await _is_right(deps, account, person, credentials.password) or account is None or not account.is_verified:
        raise WrongCredentials
    return await take_factor(deps, account, person, credentials.factor)


async def _is_right(deps: Deps, account: Account | None, person: PersonKey, password: Password) -> bool:
    if account is None:
        return await deps.hashes.check(password, None)
    hashed = person.open(account.password, place("password", account.id), purpose="login").decode()
    return await deps.hashes.check(password, hashed)


async def begin_session(deps: Deps, account: Account, person: PersonKey, *, remember: bool, visit: Visit) -> LoggedIn:
    """A new session for whoever has shown to be the owner; what this browser had before ends.

    `remember`: the box was ticked; staff are never remembered.

    Raises:
        WrongCredentials: the password or the roles were changed while it was being checked, or the account erased.
    """
    await _leave(deps, visit.presented)
    now = deps.clock()
    series = new_token(16) if remember and not account.is_staff else None
    cookie = None if series is None else await _remember(deps, account, series, visit.device)
    token = fresh_token()
    session = Session(
        key=fingerprint(token),
        id=new_id(),
        account_id=account.id,
        roles=account.roles,
        confirmed_at=now,
        device=visit.device,
        created_at=now,
        seen_at=now,
        series=series,
    )
    await deps.sessions.add(session, notes=[noted(account.id, "logged-in", now, device=visit.device)])
    await _check_still_good(deps, account, session)
    log.info("logged in", account_id=account.id, session_id=session.id)
    contact = open_contact(person, account, purpose="login")
    return LoggedIn(account, contact, session, session_cookie=token, remember_cookie=cookie)


async def _remember(deps: Deps, account: Account, series: str, device: str) -> str:
    """Begin a series, as the ticked box asks for; the cookie's value."""
    now = deps.clock()
    value = fresh_token()
    browser = RememberedBrowser(
        id=series,
        account_id=account.id,
        device=device,
        current=fingerprint(value),
        created_at=now,
        rotated_at=now,
        expires_at=now + LASTS,
    )
    await deps.remembered.add(browser)
    return deps.remember.write(Ticket(series, value))


async def _check_still_good(deps: Deps, account: Account, session: Session) -> None:
    """A new password or an erasure ends all sessions that there are: not one that is stored a moment later."""
    try:
        now = await deps.accounts.get(account.id)
    except AccountNotFound:
        now = None
    if now is None or (now.password_serial, now.roles) != (account.password_serial, account.roles) or now.is_gone:
        await end_session(deps, session)
        raise WrongCredentials


async def log_out(deps: Deps, presented: Presented) -> None:
    """End this browser's session and the series that remembers it. Nothing to end is fine."""
    await _leave(deps, presented, what="logged-out")


async def _leave(deps: Deps, presented: Presented, *, what: What | None = None) -> None:
    """End what a browser had; `what` is noted of its session, if there was one."""
    session = await deps.sessions.find(fingerprint(presented.session)) if presented.session else None
    if session is not None:
        await end_session(deps, session, what=what)
    ticket = deps.remember.read(presented.remember) if presented.remember else None
    if ticket is not None:
        await deps.remembered.end(ticket.series, [], at=deps.clock())
        await deps.sessions.end_series(ticket.series, at=deps.clock())


async def end_session(deps: Deps, session: Session, *, what: What | None = None) -> None:
    """End one session, and note it as `what`; a remembered browser is then no longer remembered."""
    now = deps.clock()
    if session.series is not None:
        await deps.remembered.end(session.series, [], at=now)
        await deps.sessions.end_series(session.series, at=now, keep=session.key)
    notes = [] if what is None else [noted(session.account_id, what, now, device=session.device)]
    await deps.sessions.end(session.key, at=now, notes=notes)
