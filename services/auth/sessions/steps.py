"""Logging in by page in two steps: first the password, then the second factor, without asking for the first again.

Between them the page holds a ticket: that the password was right, for whom, and when, sealed under the person's key.
It is worth what a password is worth to whoever has no second factor: nothing; and that for five minutes.
"""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, ValidationError

from services.auth.accounts.domain import Account
from services.auth.accounts.renewal import renew_hash
from services.auth.deps import Deps
from services.auth.factors.check import Given, take_factor, ways_of
from services.auth.people import email_key, place
from services.auth.refusals import AccountNotFound, UnknownToken, WrongCredentials
from services.auth.sessions.login import TRIES, Credentials, LoggedIn, begin_session
from services.auth.sessions.visit import Visit
from services.auth.throttle.browsers import known_browser
from shared import base64url
from shared.personal import PersonErased, PersonKey, Tampered

LASTS = timedelta(minutes=5)
LONGEST = 1000
"""Characters of a ticket."""


class _Ticket(BaseModel):
    """`serial` is that of the password that was right: another one ends all tickets."""

    model_config = ConfigDict(frozen=True)

    serial: int
    given_at: datetime


async def write_ticket(deps: Deps, credentials: Credentials) -> str:
    """The ticket of somebody whose password `log_in` has just found right, asking for a second factor.

    Raises:
        WrongCredentials: the account has gone since.
    """
    account = await deps.accounts.find_by_email(email_key(deps.index, credentials.email))
    if account is None:
        raise WrongCredentials
    try:
        person = await deps.people.known(account.id)
    except PersonErased:
        raise WrongCredentials from None
    await renew_hash(deps, account, person, credentials.password)
    ticket = _Ticket(serial=account.password_serial, given_at=deps.clock())
    box = person.seal(ticket.model_dump_json(), place("login-step", account.id))
    return f"{account.id}.{base64url.encode(box)}"


async def log_in_by_ticket(deps: Deps, ticket: str, given: Given, *, remember: bool, visit: Visit) -> LoggedIn:
    """The second step. Guesses count together with those at passwords.

    Raises:
        UnknownToken: no ticket of ours, older than five minutes, or the password was changed since.
        TooManyTries: wait a while.
        SecondFactorRequired, WrongCredentials: no code, or a wrong one.
    """
    account, person = await _open(deps, ticket)
    is_known = await known_browser(deps, account.email_key, visit.presented)
    async with deps.guard.attempt(TRIES, account.email_key, network=visit.network, known=is_known):
        try:
            account = await take_factor(deps, account, person, given)
        except WrongCredentials:
            deps.refused.note(account.id)
            raise
    return await begin_session(deps, account, person, remember=remember, visit=visit)


async def ways_by_ticket(deps: Deps, ticket: str) -> list[str]:
    """The second factors of the account that a ticket is of, by the names of `Given`.

    Raises:
        UnknownToken: as above.
    """
    account, _ = await _open(deps, ticket)
    return ways_of(account.factors)


async def _open(deps: Deps, text: str) -> tuple[Account, PersonKey]:
    account_id, _, packed = text.partition(".")
    try:
        account = await deps.accounts.get(account_id)
        person = await deps.people.known(account_id)
        box = base64url.decode(packed)
        ticket = _Ticket.model_validate_json(person.open(box, place("login-step", account_id), purpose="login"))
    except (AccountNotFound, PersonErased, Tampered, ValidationError, ValueError):
        raise UnknownToken from None
    if ticket.serial != account.password_serial or deps.clock() >= ticket.given_at + LASTS:
        raise UnknownToken
    return account, person
