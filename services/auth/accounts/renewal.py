"""Stronger hashing reaches each password at its owner's next login, for only then is the password here."""

from dataclasses import replace

import structlog

from services.auth.accounts.domain import Account
from services.auth.accounts.passwords import Password
from services.auth.deps import Deps
from services.auth.people import place
from services.auth.refusals import AccountChanged
from shared.errors import TransientError
from shared.personal import PersonKey

log = structlog.get_logger()


async def renew_hash(deps: Deps, account: Account, person: PersonKey, password: Password) -> Account:
    """Hash the password anew where its hash was made with less than the settings want; the account as it then is.

    `password` must have been found right for `account`. Where the pool is full, the database is away or somebody else
    changes the account, the old hash stays, and the next login tries again.
    """
    at = place("password", account.id)
    if not deps.hashes.is_weak(person.open(account.password, at, purpose="login").decode()):
        return account
    try:
        hashed = await deps.hashes.hash(password)
        saved = await deps.accounts.save(replace(account, password=person.seal(hashed, at)), [])
    except (TransientError, AccountChanged) as reason:
        log.warning("password hash not renewed", account_id=account.id, reason=str(reason))
        return account
    log.info("password hash renewed", account_id=account.id)
    return saved
