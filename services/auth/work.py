"""What auth does behind its HTTP edge: it consumes nothing yet, and announces from two collections."""

from services.auth.accounts.mongo import COLLECTION
from services.auth.deps import Deps
from services.auth.sessions.mongo import REMEMBERED
from shared.work import Work


def build_work(deps: Deps) -> Work:
    """Accounts announce who registered and which mails are wanted; remembered browsers announce theft."""
    return Work(handlers={}, outboxes=(COLLECTION, REMEMBERED))
