"""Which session a request belongs to: the hottest path of the system, and the way back of a remembered browser."""

from dataclasses import dataclass
from datetime import datetime

import structlog

from services.auth.accounts.domain import Account
from services.auth.deps import Deps
from services.auth.mail import mail
from services.auth.people import open_contact
from services.auth.refusals import AccountNotFound
from services.auth.sessions.cookies import Handover, Ticket
from services.auth.sessions.domain import Session
from services.auth.sessions.remembered import RememberedBrowser, Verdict
from services.auth.sessions.visit import Presented
from services.auth.tokens import fingerprint, fresh_token
from services.auth.trail.pending import noted
from shared.contracts.auth import Recipient
from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Recognised:
    """Whose request it is, and what the browser shall carry from now on.

    `session_cookie`, `remember_cookie`: values of cookies to set. `forget`: the remember cookie is worth nothing.
    """

    session: Session | None = None
    session_cookie: str | None = None
    remember_cookie: str | None = None
    forget: bool = False

    def __repr__(self) -> str:
        return "Recognised(hidden)"


log = structlog.get_logger()

NOBODY = Recognised()
_FORGET = Recognised(forget=True)


async def recognise(deps: Deps, presented: Presented) -> Recognised:
    """The live session, if there is one: one read by the hash of its token.

    Otherwise a remembered browser gets a new one: see `services.auth.sessions.remembered`.
    """
    now = deps.clock()
    if presented.session:
        session = await deps.sessions.find(fingerprint(presented.session))
        if session is not None and session.is_live(now):
            deps.seen.note(session, now)
            return Recognised(session)
    if presented.remember:
        return await _return(deps, presented.remember, now)
    return NOBODY


async def _return(deps: Deps, cookie: str, now: datetime) -> Recognised:
    ticket = deps.remember.read(cookie)
    browser = None if ticket is None else await deps.remembered.find(ticket.series)
    if ticket is None or browser is None:
        return _FORGET
    verdict = browser.judge(fingerprint(ticket.value), now)
    if verdict is Verdict.ROTATE:
        return await _rotate(deps, browser, ticket, now)
    return await _settle(deps, browser, verdict, now)


async def _settle(deps: Deps, browser: RememberedBrowser, verdict: Verdict, now: datetime) -> Recognised:
    if verdict is Verdict.HAND_OVER:
        return await _hand_over(deps, browser, now)
    if verdict is Verdict.STOLEN:
        await _end_stolen(deps, browser, now)
    # Also for a series that has ended before: its end and that of its sessions are two writes.
    await deps.sessions.end_series(browser.id, at=now)
    return _FORGET


async def _rotate(deps: Deps, browser: RememberedBrowser, ticket: Ticket, now: datetime) -> Recognised:
    """Make the next value and a session. Of many at once one does it, and all give what it made."""
    next_one = Handover(value=fresh_token(), session_token=fresh_token(), session_id=new_id())
    box = deps.remember.seal_handover(next_one, browser.id)
    after = await deps.remembered.rotate(browser.rotate(fingerprint(next_one.value), handover=box, at=now))
    if after is None:
        return _FORGET
    if after.current != fingerprint(next_one.value):
        return await _settle(deps, after, after.judge(fingerprint(ticket.value), now), now)
    recognised = await _hand_over(deps, after, now)
    if recognised.session is not None:
        await deps.sessions.end_series(browser.id, at=now, keep=recognised.session.key)  # one browser has one session
    return recognised


async def _hand_over(deps: Deps, browser: RememberedBrowser, now: datetime) -> Recognised:
    """Give the next value and the session that was made with it."""
    account = await _account(deps, browser)
    if account is None or account.is_staff or browser.handover is None:
        return _FORGET
    made = deps.remember.open_handover(browser.handover, browser.id)
    key = fingerprint(made.session_token)
    session = await deps.sessions.find(key)
    if session is None:  # not made yet, or its maker died: whoever comes makes the same one
        session = _session(browser, account, key=key, session_id=made.session_id)
        await deps.sessions.add(session)
        after = await deps.remembered.find(browser.id)
        if after is None or after.ended_at is not None:  # at this very moment, with the sessions that there were
            await deps.sessions.end(key, at=now)
            return _FORGET
    return Recognised(session, made.session_token, deps.remember.write(Ticket(browser.id, made.value)))


def _session(browser: RememberedBrowser, account: Account, *, key: bytes, session_id: str) -> Session:
    return Session(
        key=key,
        id=session_id,
        account_id=account.id,
        roles=account.roles,
        device=browser.device,
        created_at=browser.rotated_at,
        seen_at=browser.rotated_at,
        series=browser.id,
    )


async def _end_stolen(deps: Deps, browser: RememberedBrowser, now: datetime) -> None:
    """A value came back after its time: end the series and tell the owner, once."""
    account = await _account(deps, browser)
    if account is None:
        await deps.remembered.end(browser.id, [], at=now)
        return
    contact = open_contact(await deps.people.known(account.id), account, purpose="mail")
    link = f"{deps.settings.public_url}/account"
    recipient = Recipient(name=contact.name, email=contact.email, link=link)
    letter = mail(deps.sealer, "remember-theft", recipient, account_id=account.id, at=now, language=account.language)
    note = noted(account.id, "remember-theft", now, device=browser.device)
    if await deps.remembered.end(browser.id, [letter], at=now, notes=[note]):
        log.warning("remember cookie used twice", account_id=account.id)


async def _account(deps: Deps, browser: RememberedBrowser) -> Account | None:
    try:
        return await deps.accounts.get(browser.account_id)
    except AccountNotFound:
        return None
