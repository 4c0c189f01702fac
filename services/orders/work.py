"""What orders does behind HTTP: it publishes its events and sweeps up what was left behind."""

from functools import partial

from services.orders.deps import Deps
from services.orders.life.mongo import COLLECTION
from services.orders.life.resolve import sweep
from shared.work import Periodic, Work


def build_work(deps: Deps) -> Work:
    """No queue yet: orders hears of nobody in this slice."""
    return Work(
        handlers={},
        outboxes=(COLLECTION,),
        periodic=(Periodic("resolve", deps.settings.resolve_every_s, partial(sweep, deps)),),
    )
