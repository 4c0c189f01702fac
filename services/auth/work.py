"""What auth does behind its HTTP edge: what it announces, and what it does from time to time."""

from functools import partial

from services.auth.accounts.cleanup import EVERY_S, clean_up
from services.auth.accounts.mongo import COLLECTION
from services.auth.accounts.resets import COLLECTION as RESETS
from services.auth.deps import Deps
from services.auth.mydata.answers import PERSONS, answer_handlers
from services.auth.mydata.erasure import EVERY_S as ERASE_EVERY_S
from services.auth.mydata.erasure import sweep
from services.auth.mydata.erasures_mongo import COLLECTION as ERASURES
from services.auth.mydata.exports_mongo import EXPORTS
from services.auth.sessions.mongo import REMEMBERED
from services.auth.trail.accesses import CONTRACTS as ACCESS_EVENTS
from services.auth.trail.accesses import record_access
from services.auth.trail.anchors import EVERY_S as ANCHOR_EVERY_S
from services.auth.trail.relay import EVERY_S as NOTES_EVERY_S
from shared.work import Periodic, Work

ACCESSES = "auth.accesses"


def build_work(deps: Deps) -> Work:
    """The handlers of auth's queues, the collections whose events its relay publishes, and its periodic work."""
    return Work(
        handlers={
            ACCESSES: {type_: partial(record_access, deps) for type_ in ACCESS_EVENTS},
            PERSONS: answer_handlers(deps),
        },
        outboxes=(COLLECTION, RESETS, REMEMBERED, EXPORTS, ERASURES),
        periodic=(
            Periodic("cleanup", EVERY_S, partial(clean_up, deps)),
            Periodic("erasures", ERASE_EVERY_S, partial(sweep, deps)),
            Periodic("notes", NOTES_EVERY_S, deps.notes.sweep),
            Periodic("anchor", ANCHOR_EVERY_S, partial(_anchor, deps)),
        ),
    )


async def _anchor(deps: Deps) -> None:
    await deps.audit.anchor()
