"""What warranty does behind its queue: event type -> use case."""

from functools import partial

from services.warranty.deps import Deps
from services.warranty.mydata.holdings import PERSONS, person_handlers
from services.warranty.records import usecases
from services.warranty.records.consumed import ORDERS, order_handlers
from shared.answers import COLLECTION as ANSWERS
from shared.contracts.orders import PurchaseCompleted
from shared.work import Work

PURCHASES = "warranty.purchases"


def build_work(deps: Deps) -> Work:
    """What was bought, what became of it, and what auth asks about persons, which is all that warranty answers yet."""
    return Work(
        handlers={
            PURCHASES: {PurchaseCompleted.TYPE: partial(usecases.record_purchase, deps)},
            ORDERS: order_handlers(deps),
            PERSONS: person_handlers(deps),
        },
        outboxes=(ANSWERS,),
    )
