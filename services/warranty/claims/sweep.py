"""Deadlines of claims, looked after by one process at a time: reminders, what was missed, answers that do not come.

What has been noted stands in the claim, in the write that announces it: a restart notes nothing twice.
"""

from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog
from prometheus_client import Counter, Gauge

from services.warranty.claims.announce import Announcer, announcer_of, overdue, reminded
from services.warranty.claims.deadlines import REMINDED_BEFORE, open_deadlines
from services.warranty.claims.domain import NO_ANSWER, Claim
from services.warranty.claims.sagas import handed_over
from services.warranty.claims.usecases import change
from services.warranty.deps import Deps
from services.warranty.holders import Contact
from shared.events import Event
from shared.personal import Tampered, WrongShape

log = structlog.get_logger(__name__)
OVERDUE = Counter("padlock_claims_overdue_total", "Deadlines of claims that were missed, by deadline.", ["deadline"])
REMINDED = Counter("padlock_claims_reminded_total", "Deadlines of claims that were near, by deadline.", ["deadline"])
OPEN = Gauge(
    "padlock_claims_open", "Deadlines of open claims, by deadline and how near it is.", ["deadline", "due"]
)  # fmt: skip
_A_TURN = 200


async def sweep_claims(deps: Deps) -> None:
    """One turn."""
    now = deps.clock()
    for claim in await deps.claims.due(now, limit=_A_TURN):
        announcer = await _announcer(deps, claim)
        noted = await change(deps, claim, partial(_looked_at, announcer, now))
        for name in set(noted.clock.reminded) - set(claim.clock.reminded):
            REMINDED.labels(deadline=name).inc()
            log.info("claim due soon", claim_id=claim.id, deadline=name)
        for name in set(noted.clock.overdue) - set(claim.clock.overdue):
            OVERDUE.labels(deadline=name).inc()
            log.warning("claim overdue", claim_id=claim.id, deadline=name)


async def count_deadlines(deps: Deps) -> None:
    """Set the gauge of open claims."""
    for (name, due), count in (await deps.claims.by_deadline(deps.clock())).items():
        OPEN.labels(deadline=name, due=due.value).set(count)


async def _announcer(deps: Deps, claim: Claim) -> Announcer:
    """For whoever claims; for nobody where that cannot be read, so that one claim holds no other up."""
    try:
        return await announcer_of(deps, claim)
    except (Tampered, WrongShape):
        log.exception("whom to write to about a claim cannot be read", claim_id=claim.id)
        return Announcer(deps, Contact())


def _looked_at(announcer: Announcer, now: datetime, claim: Claim) -> tuple[Claim, list[Event]]:
    events: list[Event] = []
    clock = claim.clock
    for name, by in open_deadlines(claim).items():
        if name not in clock.reminded and now >= by - REMINDED_BEFORE:
            clock = replace(clock, reminded=(*clock.reminded, name))
            if now < by:  # whoever looks too late says that it was missed, and no more
                events.append(reminded(announcer.deps, claim, name, by, at=now))
        if name not in clock.overdue and now >= by:
            clock = replace(clock, overdue=(*clock.overdue, name))
            events.append(overdue(announcer.deps, claim, name, by, at=now))
    looked_at = claim if clock is claim.clock else replace(claim, clock=clock)
    if claim.saga.due_at is not None and now >= claim.saga.due_at:
        looked_at = handed_over(looked_at, NO_ANSWER, at=now)
        if looked_at.status is not claim.status:
            events += announcer.stepped(looked_at, at=now)
    return looked_at, events
