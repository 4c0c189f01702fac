"""What auth does behind its HTTP edge: what it announces, and what it does from time to time."""

from functools import partial

from services.auth.accounts.cleanup import EVERY_S, clean_up
from services.auth.accounts.mongo import COLLECTION
from services.auth.accounts.resets import COLLECTION as RESETS
from services.auth.deps import Deps
from services.auth.sessions.mongo import REMEMBERED
from shared.work import Periodic, Work


def build_work(deps: Deps) -> Work:
    """Accounts and resets announce which mails are wanted, and accounts who registered; remembered browsers theft."""
    return Work(
        handlers={},
        outboxes=(COLLECTION, RESETS, REMEMBERED),
        periodic=(Periodic("cleanup", EVERY_S, partial(clean_up, deps)),),
    )
