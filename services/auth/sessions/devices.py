"""What a person sees and ends of their own: profile, sessions, remembered browsers."""

from dataclasses import dataclass

from services.auth.accounts.domain import Account
from services.auth.deps import Deps
from services.auth.people import Contact, open_contact
from services.auth.refusals import NoSession, SessionNotFound
from services.auth.sessions.domain import Session
from services.auth.sessions.login import end_session
from services.auth.trail.domain import Note
from shared.identity import Identity


@dataclass(frozen=True, slots=True)
class Profile:
    """Who is logged in, and how."""

    account: Account
    contact: Contact
    session: Session


async def show_profile(deps: Deps, who: Identity) -> Profile:
    """The account and session behind an identity.

    Raises:
        NoSession: it ended within the identity's minute.
    """
    session = await deps.sessions.find_by_id(who.subject, who.session)
    if session is None:
        raise NoSession
    account = await deps.accounts.get(who.subject)
    person = await deps.people.known(account.id)
    return Profile(account, open_contact(person, account, purpose="account"), session)


async def list_sessions(deps: Deps, who: Identity) -> list[Session]:
    """The account's live sessions, the one seen last first."""
    now = deps.clock()
    return [session for session in await deps.sessions.of_account(who.subject) if session.is_live(now)]


async def end_one_session(deps: Deps, who: Identity, session_id: str) -> None:
    """End one of the account's own sessions.

    Raises:
        SessionNotFound: there is none, or it is another's.
    """
    session = await deps.sessions.find_by_id(who.subject, session_id)
    if session is None:
        raise SessionNotFound
    await end_session(deps, session)
    await deps.trail.append(who.subject, Note("session-ended", deps.clock(), {"device": session.device}))


async def log_out_elsewhere(deps: Deps, who: Identity) -> None:
    """End all other sessions and forget all other browsers.

    Raises:
        NoSession: this one has ended.
    """
    await end_elsewhere(deps, who)
    await deps.trail.append(who.subject, Note("session-ended", deps.clock(), {"which": "others"}))


async def end_elsewhere(deps: Deps, who: Identity) -> None:
    """End all other sessions and forget all other browsers, as a part of something else.

    Raises:
        NoSession: this one has ended.
    """
    this = await deps.sessions.find_by_id(who.subject, who.session)
    if this is None:
        raise NoSession
    await deps.remembered.end_account(who.subject, at=deps.clock(), keep=this.series)
    await deps.sessions.end_account(who.subject, keep=this.key)


async def forget_browsers(deps: Deps, who: Identity) -> None:
    """No browser is remembered any more; what was logged in by being remembered is logged out, but not this one."""
    await deps.remembered.end_account(who.subject, at=deps.clock())
    for session in await deps.sessions.of_account(who.subject):
        if session.remembered and session.id != who.session:
            await deps.sessions.end(session.key)
    await deps.trail.append(who.subject, Note("browser-forgotten", deps.clock(), {"which": "all"}))


async def end_everywhere(deps: Deps, account_id: str) -> None:
    """Nobody is logged in to the account any more, and no browser is remembered."""
    await deps.remembered.end_account(account_id, at=deps.clock())
    await deps.sessions.end_account(account_id)
