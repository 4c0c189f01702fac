"""A signed identity without a browser, for commands that ask who does it: password and code are given as at a login."""

from services.auth.accounts.domain import STAFF_ROLES
from services.auth.deps import Deps
from services.auth.refusals import AccountNotFound
from services.auth.sessions.domain import device_of
from services.auth.sessions.login import Credentials, end_session, log_in
from services.auth.sessions.visit import Visit


async def identify(deps: Deps, credentials: Credentials, *, audience: str) -> str:
    """Log in, sign whom it is for one service, and log out again; what is signed is good for 60 s.

    It is a login like any other: limited, never without a second factor, and in the trail.

    Args:
        deps: everything.
        credentials: address, password and code.
        audience: the service that will be shown it.

    Raises:
        WrongCredentials, SecondFactorRequired, TooManyTries, TransientError: as a login.
        AccountNotFound: it is nobody of the staff.
    """
    logged_in = await log_in(deps, credentials, remember=False, visit=Visit(device_of("")))
    session = logged_in.session
    try:
        if session.roles.isdisjoint(STAFF_ROLES):
            raise AccountNotFound("Nobody of the staff has this address.")
        return deps.issuer.issue(session.identity(), audience)
    finally:
        await end_session(deps, session, what="logged-out")
