"""What asks for the password again: whoever finds a browser open must not change how its owner gets in (P4)."""

from services.auth.deps import Deps
from services.auth.refusals import FreshLoginRequired, NoSession
from services.auth.sessions.domain import Session
from shared.identity import Identity


async def recent_session(deps: Deps, who: Identity) -> Session:
    """The session behind an identity, in which the password was given within `RECENT`.

    Raises:
        NoSession: it has ended.
        FreshLoginRequired: too long ago, or never.
    """
    session = await deps.sessions.find_by_id(who.subject, who.session)
    if session is None:
        raise NoSession
    if not session.is_recent(deps.clock()):
        raise FreshLoginRequired
    return session
