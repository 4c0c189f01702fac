"""Whether a browser is one of the owner's: strangers who try until everybody must wait do not keep it out."""

from services.auth.deps import Deps
from services.auth.refusals import AccountNotFound
from services.auth.sessions.remembered import Verdict
from services.auth.sessions.visit import Presented
from services.auth.tokens import fingerprint

_GOOD = (Verdict.ROTATE, Verdict.HAND_OVER)


async def known_browser(deps: Deps, email_key: str, presented: Presented) -> bool:
    """Whether the cookies show a live session, or a remembered browser, of the account with this address.

    The address is never looked up here, only whose the cookies are: nobody learns from the time that it takes whether
    an address is known, and a browser without cookies costs nothing.
    """
    owner = await _owner(deps, presented)
    if owner is None:
        return False
    try:
        return (await deps.accounts.get(owner)).email_key == email_key
    except AccountNotFound:
        return False


async def _owner(deps: Deps, presented: Presented) -> str | None:
    now = deps.clock()
    if presented.session:
        session = await deps.sessions.find(fingerprint(presented.session))
        if session is not None and session.is_live(now):
            return session.account_id
    ticket = deps.remember.read(presented.remember) if presented.remember else None
    browser = None if ticket is None else await deps.remembered.find(ticket.series)
    if ticket is None or browser is None or browser.judge(fingerprint(ticket.value), now) not in _GOOD:
        return None
    return browser.account_id
