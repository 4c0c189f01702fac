"""What a person sees and ends of their own: profile, sessions, remembered browsers."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.auth.accounts.domain import Account
from services.auth.deps import Deps
from services.auth.people import Contact, open_contact
from services.auth.refusals import NoSession, SessionNotFound
from services.auth.sessions.domain import Session
from services.auth.sessions.login import end_session
from services.auth.trail.pending import Noted, noted
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
    await end_session(deps, session, what="session-ended")


async def log_out_elsewhere(deps: Deps, who: Identity) -> None:
    """End all other sessions and forget all other browsers.

    Raises:
        NoSession: this one has ended.
    """
    await end_elsewhere(deps, who, notes=[noted(who.subject, "session-ended", deps.clock(), which="others")])


async def end_elsewhere(deps: Deps, who: Identity, *, notes: Sequence[Noted] = ()) -> None:
    """End all other sessions and forget all other browsers; whatever ends carries these notes.

    Raises:
        NoSession: this one has ended.
    """
    this = await deps.sessions.find_by_id(who.subject, who.session)
    if this is None:
        raise NoSession
    now = deps.clock()
    await deps.remembered.end_account(who.subject, at=now, keep=this.series, notes=notes)
    await deps.sessions.end_account(who.subject, at=now, keep=this.key, notes=notes)


async def forget_browsers(deps: Deps, who: Identity) -> None:
    """No browser is remembered any more; what was logged in by being remembered is logged out, but not this one."""
    now = deps.clock()
    notes = [noted(who.subject, "browser-forgotten", now, which="all")]
    await deps.remembered.end_account(who.subject, at=now, notes=notes)
    for session in await deps.sessions.of_account(who.subject):
        if session.remembered and session.id != who.session:
            await deps.sessions.end(session.key, at=now, notes=notes)


async def end_everywhere(deps: Deps, account_id: str) -> None:
    """Nobody is logged in to the account any more, and no browser is remembered."""
    await deps.remembered.end_account(account_id, at=deps.clock())
    await deps.sessions.end_account(account_id, at=deps.clock())
