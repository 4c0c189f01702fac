"""What is of no use to anybody any more leaves: accounts that nobody has proven, changes of address not agreed to."""

from datetime import timedelta

import structlog

from services.auth.deps import Deps

log = structlog.get_logger()

EVERY_S = 600.0
KNOWN_AFTERWARDS = timedelta(days=1)
"""How long the links of a change of address are still told from ones that never were."""

_AT_ONCE = 100


async def clean_up(deps: Deps) -> None:
    """Remove accounts whose last link is too old, with their data keys, and changes of address whose time is over.

    Somebody may register the address at the same moment. Either that write is first, and the account stays; or the
    removal is, and the registration opens a new one.

    Raises:
        TransientError: the database is away; the next turn goes on.
    """
    count = 0
    while removed := await _remove_some(deps):
        count += removed
    forgotten = await deps.accounts.forget_email_changes(at=deps.clock() - KNOWN_AFTERWARDS)
    if count or forgotten:
        log.info("cleaned up", accounts=count, email_changes=forgotten)


async def _remove_some(deps: Deps) -> int:
    """How many of the next hundred are gone; none where others have changed them all."""
    count = 0
    for account in await deps.accounts.abandoned(at=deps.clock(), limit=_AT_ONCE):
        if await deps.accounts.remove(account):
            await deps.people.erase(account.id)  # after the account: a key without one is of no harm
            count += 1
    return count
