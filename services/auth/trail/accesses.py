"""Accesses that other services have told of, in the trail of the person whose data was seen."""

from services.auth.deps import Deps
from services.auth.trail.domain import Note, reason_place
from shared.contracts import orders, persons, warranty
from shared.events import Event, MalformedEvent
from shared.personal import PersonErased

CONTRACTS: dict[str, type[persons.AccessRecorded]] = {
    each.TYPE: each for each in (orders.AccessRecorded, warranty.AccessRecorded)
}


async def record_access(deps: Deps, event: Event) -> None:
    """Append an access; told twice, it is there once.

    Raises:
        MalformedEvent, CannotOpen: it is none.
    """
    access = event.read(CONTRACTS[event.type])
    if not access.account_id:
        raise MalformedEvent("an access to nobody's data")
    reason = deps.unsealer.open(persons.AccessReason, access.reason, event=event, field="reason").reason
    details = {
        "access": access.access_id,
        "service": event.source,
        "what": access.what,
        "subject": access.subject,
        "staff": access.staff_id,
        "roles": " ".join(access.roles),
    }
    box = await _sealed(deps, access.account_id, access.access_id, reason)
    note = Note("staff-access", access.accessed_at, details, box)
    await deps.trail.append(access.account_id, note, key=f"access:{event.source}:{access.access_id}")


async def _sealed(deps: Deps, account_id: str, access_id: str, reason: str) -> bytes:
    """The reason under the person's key; nothing where the person is erased, for nobody is left to read it."""
    try:
        person = await deps.people.known(account_id)
    except PersonErased:
        return b""
    return person.seal(reason, reason_place(access_id))
