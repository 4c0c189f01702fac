"""Logging in with a password, and out. One refusal for every wrong reason, and the same work for each."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.auth.accounts.domain import Account
from services.auth.accounts.passwords import OneTimeCode, Password
from services.auth.deps import Deps
from services.auth.factors.totp import matching_step
from services.auth.people import email_key, open_contact, place
from services.auth.refusals import (
    AccountChanged,
    AddressNotVerified,
    SecondFactorRequired,
    TooManyTries,
    WrongCredentials,
)
from services.auth.sessions.cookies import Ticket
from services.auth.sessions.domain import Session
from services.auth.sessions.remembered import LASTS, RememberedBrowser
from services.auth.throttle.store import Limit
from services.auth.tokens import fingerprint, fresh_token
from shared.ids import new_id, new_token
from shared.personal import PersonErased, PersonKey

log = structlog.get_logger()

TRIES = Limit("login", most=10, within=timedelta(minutes=15))
"""How often passwords and codes may be tried for one address, known or not (P19)."""

_NOBODY = "nobody"
"""Has a data key as everybody has, so that an unknown address costs the same look-up as a known one."""


@dataclass(frozen=True, slots=True)
class Presented:
    """The cookies of ours that a browser has sent; empty where there was none."""

    session: str = ""
    remember: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody gives to log in."""

    email: str
    password: Password
    otp: OneTimeCode | None = None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The outcome: whom to greet, and the values of the cookies to set."""

    account: Account
    name: str
    session: Session
    session_cookie: str
    remember_cookie: str | None

    def __repr__(self) -> str:
        return "LoggedIn(hidden)"


async def log_in(
    deps: Deps, credentials: Credentials, *, remember: bool, device: str, presented: Presented
) -> LoggedIn:
    """Begin a new session; what this browser had before ends.

    Raises:
        TooManyTries: 10 in the last 15 minutes.
        WrongCredentials: address, password or code; never says which.
        AddressNotVerified, SecondFactorRequired: only after the right password.
        TransientError: too busy to check it.
    """
    key = email_key(deps.index, credentials.email)
    wait = await deps.tries.take(TRIES, key, at=deps.clock())
    if wait is not None:
        raise TooManyTries(retry_after_s=int(wait.total_seconds()) + 1)
    account, person = await _find(deps, key)
    if not await _is_right(deps, account, person, credentials.password) or account is None:
        raise WrongCredentials
    if not account.is_verified:
        raise AddressNotVerified
    if account.is_staff:
        account = await _take_code(deps, account, person, credentials.otp)
    await deps.tries.forget(TRIES, key)
    await log_out(deps, presented)
    logged_in = await _begin(deps, account, person, remember=remember and not account.is_staff, device=device)
    log.info("logged in", account_id=account.id, session_id=logged_in.session.id)
    return logged_in


async def _find(deps: Deps, key: str) -> tuple[Account | None, PersonKey]:
    """The account and the key of its values; an account whose key is erased is as good as none."""
    account = await deps.accounts.find_by_email(key)
    if account is not None:
        try:
            return account, await deps.people.known(account.id)
        except PersonErased:
            pass
    return None, await deps.people.person(_NOBODY)


async def _is_right(deps: Deps, account: Account | None, person: PersonKey, password: Password) -> bool:
    if account is None:
        return await deps.hashes.check(password, None)
    hashed = person.open(account.password, place("password", account.id), purpose="login").decode()
    return await deps.hashes.check(password, hashed)


async def _take_code(deps: Deps, account: Account, person: PersonKey, otp: OneTimeCode | None) -> Account:
    """Staff: check the code and store its step, so that it works once, also when it comes twice at once."""
    factor = account.second_factor
    if otp is None:
        raise SecondFactorRequired
    if factor is None:
        raise WrongCredentials
    secret = person.open(factor.secret, place("totp", account.id), purpose="login").decode()
    step = matching_step(secret, otp.reveal(), at=deps.clock(), last_step=factor.last_step)
    if step is None:
        raise WrongCredentials
    try:
        return await deps.accounts.save(account.take_code(step), [])
    except AccountChanged:
        raise WrongCredentials from None


async def _begin(deps: Deps, account: Account, person: PersonKey, *, remember: bool, device: str) -> LoggedIn:
    now = deps.clock()
    series = new_token(16) if remember else None
    cookie = None if series is None else await _remember(deps, account, series, device)
    token = fresh_token()
    session = Session(
        key=fingerprint(token),
        id=new_id(),
        account_id=account.id,
        roles=account.roles,
        fresh=True,
        device=device,
        created_at=now,
        seen_at=now,
        series=series,
    )
    await deps.sessions.add(session)
    name = open_contact(person, account, purpose="login").name
    return LoggedIn(account, name, session, session_cookie=token, remember_cookie=cookie)


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


async def log_out(deps: Deps, presented: Presented) -> None:
    """End this browser's session and the series that remembers it. Nothing to end is fine."""
    if presented.session:
        session = await deps.sessions.find(fingerprint(presented.session))
        if session is not None:
            await end_session(deps, session)
    ticket = deps.remember.read(presented.remember) if presented.remember else None
    if ticket is not None:
        await deps.remembered.end(ticket.series, [], at=deps.clock())
        await deps.sessions.end_series(ticket.series)


async def end_session(deps: Deps, session: Session) -> None:
    """End one session; a remembered browser is then no longer remembered."""
    if session.series is not None:
        await deps.remembered.end(session.series, [], at=deps.clock())
        await deps.sessions.end_series(session.series)
    await deps.sessions.end(session.key)
