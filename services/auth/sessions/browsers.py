"""The browsers that an account is remembered in, also those that are closed and have no session now."""

from services.auth.deps import Deps
from services.auth.refusals import NoSession, SessionNotFound
from services.auth.sessions.remembered import RememberedBrowser
from services.auth.tokens import fingerprint
from services.auth.trail.pending import noted
from shared.identity import Identity


def public_id(browser: RememberedBrowser) -> str:
    """Names it on a page; the series itself stays in its cookie."""
    return fingerprint(browser.id).hex()[:32]


async def list_browsers(deps: Deps, who: Identity) -> list[RememberedBrowser]:
    """The account's remembered browsers, the newest first."""
    now = deps.clock()
    known = await deps.remembered.of_account(who.subject)
    return [each for each in known if each.ended_at is None and now < each.expires_at]


async def forget_one_browser(deps: Deps, who: Identity, id: str) -> None:
    """Remember one browser no longer, and log it out, unless it is the one that asks.

    Raises:
        NoSession: the one that asks has ended.
        SessionNotFound: there is no such browser, or it is another's.
    """
    this = await deps.sessions.find_by_id(who.subject, who.session)
    if this is None:
        raise NoSession
    browser = next((each for each in await list_browsers(deps, who) if public_id(each) == id), None)
    if browser is None:
        raise SessionNotFound
    now = deps.clock()
    note = noted(who.subject, "browser-forgotten", now, device=browser.device)
    await deps.remembered.end(browser.id, [], at=now, notes=[note])
    await deps.sessions.end_series(browser.id, at=now, keep=this.key)
