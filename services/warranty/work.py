"""What warranty does behind its queue: event type -> use case."""

from functools import partial

from services.warranty import usecases
from services.warranty.deps import Deps
from shared.contracts.orders import PurchaseCompleted
from shared.work import Work

PURCHASES = "warranty.purchases"


def build_work(deps: Deps) -> Work:
    """One queue; warranty announces nothing yet, so it has no outbox."""
    return Work(
        handlers={PURCHASES: {PurchaseCompleted.TYPE: partial(usecases.record_purchase, deps)}},
        outboxes=(),
    )
