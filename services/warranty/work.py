"""What warranty does behind its queue: event type -> use case."""

from functools import partial

from services.warranty.claims.access_store import COLLECTION as ACCESSES
from services.warranty.claims.store import COLLECTION as CLAIMS
from services.warranty.claims.sweep import count_deadlines, sweep_claims
from services.warranty.deps import Deps
from services.warranty.mydata.holdings import PERSONS, person_handlers
from services.warranty.orders import ORDERS, order_handlers
from services.warranty.photos.usecases import sweep_photos
from services.warranty.records import usecases
from shared.answers import COLLECTION as ANSWERS
from shared.contracts.orders import PurchaseCompleted
from shared.work import Periodic, Work

PURCHASES = "warranty.purchases"
PHOTOS_EVERY_S = 600.0
PREFETCH = 500
"""A purchase waits for the database twice: so many at once keep it busy."""


def build_work(deps: Deps) -> Work:
    """What was bought, what became of it, what claims wait for, and what auth asks about persons."""
    return Work(
        handlers={
            PURCHASES: {PurchaseCompleted.TYPE: partial(usecases.record_purchase, deps)},
            ORDERS: order_handlers(deps),
            PERSONS: person_handlers(deps),
        },
        outboxes=(ANSWERS, CLAIMS, ACCESSES),
        periodic=(
            Periodic("claims", deps.settings.claims_every_s, partial(sweep_claims, deps)),
            Periodic("photos", PHOTOS_EVERY_S, partial(sweep_photos, deps)),
        ),
        measures=(partial(count_deadlines, deps),),
        prefetch=PREFETCH,
    )
