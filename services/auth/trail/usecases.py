"""What a person reads of their own trail, who has looked at their data and why included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.auth.deps import Deps
from services.auth.trail import domain
from services.auth.trail.domain import What, reason_place
from shared.identity import Identity
from shared.personal import PersonErased, PersonKey, Tampered

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as its owner reads it; `details` are codes and ids, and the `reason` of an access in clear."""

    number: int
    what: What
    at: datetime
    details: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Entry({self.number}, {self.what!r}, hidden)"


@dataclass(frozen=True, slots=True)
class TrailPage:
    """Entries, newest first by when they happened. `after`: pass it on for the next page; 0 where there is none.

    What belongs to a page follows from the entries' numbers, so that pages stay as they are. Some are written late (a
    refused login, a look that another service tells of): they stand in their page where they happened, not where they
    were written.
    """

    items: Sequence[Entry]
    after: int


async def read_trail(deps: Deps, who: Identity, *, limit: int = 20, after: int = 0) -> TrailPage:
    """A page of one's own trail.

    Args:
        deps: everything.
        who: whose.
        limit: how many entries at most.
        after: of the page before; 0 for the first one.
    """
    await deps.notes.settled()
    found = await deps.trail.of_account(who.subject, limit=limit + 1, before=after)
    person = await _person(deps, who.subject) if any(each.reason for each in found) else None
    shown = sorted(found[:limit], key=lambda each: (each.at, each.number), reverse=True)
    items = [Entry(each.number, each.what, each.at, _opened(each, person)) for each in shown]
    return TrailPage(items, found[limit - 1].number if len(found) > limit else 0)


async def _person(deps: Deps, account_id: str) -> PersonKey | None:
    try:
        return await deps.people.known(account_id)
    except PersonErased:
        return None


def _opened(entry: domain.Entry, person: PersonKey | None) -> Mapping[str, str]:
    if not entry.reason or person is None:
        return entry.details
    place = reason_place(entry.details.get("access", ""))
    try:
        return {**entry.details, "reason": person.open(entry.reason, place, purpose="account").decode()}
    except Tampered:  # the rest of the trail is still worth reading, and `trail verify` tells
        log.warning("reason of an access cannot be opened", account_id=person.person_id)
        return entry.details
