"""What orders does behind HTTP: it publishes its events and sweeps up what was left behind."""

from functools import partial

from services.orders.deps import Deps
from services.orders.desk.store import COLLECTION as ACCESSES
from services.orders.life.claims import CLAIMS, claim_handlers
from services.orders.life.finish import sweep_marks, sweep_unfinished
from services.orders.life.guests import answer_links
from services.orders.life.link_store import COLLECTION as LINKS
from services.orders.life.resolve import ask_about_waiting, sweep
from services.orders.life.store import COLLECTION
from services.orders.measures import measure_owed
from services.orders.mydata.holdings import PERSONS, person_handlers
from services.orders.screening.review import sweep_reviews
from shared.answers import COLLECTION as ANSWERS
from shared.work import Periodic, Work

_MARKS_EVERY_S = 600.0
_REVIEWS_EVERY_S = 10.0


def build_work(deps: Deps) -> Work:
    """Two queues: what auth asks about persons, and warranty for claims."""
    every_s = deps.settings.resolve_every_s
    return Work(
        handlers={PERSONS: person_handlers(deps), CLAIMS: claim_handlers(deps)},
        outboxes=(COLLECTION, ACCESSES, ANSWERS, LINKS),
        periodic=(
            Periodic("resolve", every_s, partial(sweep, deps)),
            Periodic("ask", deps.settings.payment_ask_every_s, partial(ask_about_waiting, deps)),
            Periodic("finish", every_s, partial(sweep_unfinished, deps)),
            Periodic("reviews", _REVIEWS_EVERY_S, partial(sweep_reviews, deps)),
            Periodic("links", every_s, partial(answer_links, deps)),
            Periodic("marks", _MARKS_EVERY_S, partial(sweep_marks, deps)),
        ),
        measures=(partial(measure_owed, deps),),
    )
