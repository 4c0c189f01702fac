"""What the staff do with a claim. Each step is one conditional write, with who, when and why, and what it announces.

Nobody takes one on a claim of their own (`OwnClaim`).
"""

from dataclasses import replace
from datetime import datetime

from services.warranty.claims.announce import announcer_of, claimant_of, requested
from services.warranty.claims.domain import Claim, Decision, OwnClaim, Remedy, SecondPersonNeeded
from services.warranty.claims.steps import IllegalStep, Status, staff
from services.warranty.claims.store import COLLECTION
from services.warranty.claims.usecases import change, normal_serial, sealed_message
from services.warranty.deps import Deps
from shared.errors import FieldError, InvalidInput
from shared.events import Event
from shared.identity import Identity
from shared.personal import PersonErased, Place

GOODWILL = "goodwill"
_UNDER_WAY = frozenset({Status.APPROVED, Status.RECEIVED})
_GIVEN_UP = frozenset({Status.WAITING_FOR_ITEM, Status.IN_REPAIR})
"""An item that never came, or cannot be repaired: what was decided holds no more once somebody looks again."""


async def decide(
    deps: Deps,
    claim: Claim,
    who: Identity,
    remedy: Remedy | None,
    *,
    note: str = "",
    return_first: bool = False,
    if_match: str | None = None,
) -> Claim:
    """Approve a claim for a remedy, or reject it (`remedy` none).

    Goodwill outside the warranty is proposed by the first member of the staff who approves it, and decided by the
    second: until then the claim stays under review.

    Raises:
        SecondPersonNeeded: the one who proposed can't approve as well.
        RemedyUnderWay, RemedyRefused: see there.
        IllegalStep, ChangedMeanwhile, TransientError: nothing has changed.
    """
    at, by, announcer = deps.clock(), _by(claim, who), await announcer_of(deps, claim)
    sealed = await _note(deps, claim, note, at)

    def step(claim: Claim) -> tuple[Claim, list[Event]]:
        claim.refuse_undecidable(remedy)
        decision, waits = Decision(remedy, by, at, return_first=return_first), return_first
        if claim.is_goodwill and remedy is not None:
            if claim.proposed is None or claim.proposed.remedy is not remedy:
                return claim.proposing(decision, note=sealed), []
            if claim.proposed.by == by:
                raise SecondPersonNeeded
            decision, waits = replace(claim.proposed, at=at, approved_by=by), waits or claim.proposed.return_first
        why = "rejected" if remedy is None else GOODWILL if claim.is_goodwill else "approved"
        decided = claim.decided(decision, why=why, note=sealed, return_first=waits)
        events = announcer.stepped(decided, at=at)
        asking, asked = requested(deps, decided, at=at)
        return asking, [*events, *asked]

    return await change(deps, claim, step, if_match=if_match)


async def ask_for_more(deps: Deps, claim: Claim, who: Identity, text: str, *, if_match: str | None = None) -> Claim:
    """Ask the claimant for something: the claim waits for their answer.

    Raises:
        PersonErased: nobody is there to answer.
        IllegalStep, ChangedMeanwhile, TooManyMessages, TransientError: nothing has changed.
    """
    return await _write(deps, claim, who, text, status=Status.MORE_INFORMATION_NEEDED, if_match=if_match)


async def write(deps: Deps, claim: Claim, who: Identity, text: str, *, if_match: str | None = None) -> Claim:
    """Write to the claimant.

    Raises:
        PersonErased, ChangedMeanwhile, TooManyMessages, TransientError: as above.
    """
    return await _write(deps, claim, who, text, status=None, if_match=if_match)


async def review(deps: Deps, claim: Claim, who: Identity, *, if_match: str | None = None) -> Claim:
    """Somebody has begun to look; or looks again, for the item never came, or cannot be repaired, and what was decided
    holds no more. What is under way at orders, or has come and is not checked, goes on.

    Raises:
        IllegalStep, ChangedMeanwhile, TransientError: nothing has changed.
    """
    return await _step(deps, claim, who, Status.UNDER_REVIEW, if_match)


async def receive(deps: Deps, claim: Claim, who: Identity, serial: str, *, if_match: str | None = None) -> Claim:
    """The item has arrived, with this serial number on it: another one than was sold is flagged, and goes no further by
    itself. What was to wait for the item, a refund or a replacement, goes on with the next decision.

    Raises:
        IllegalStep, ChangedMeanwhile, TransientError: nothing has changed.
    """
    at, by, announcer = deps.clock(), _by(claim, who), await announcer_of(deps, claim)
    found = normal_serial(serial)  # empty where it could not be read: that says nothing
    sold = claim.item.serial or await _serial_since(deps, claim)
    is_swapped = bool(found and sold) and found != sold

    def step(claim: Claim) -> tuple[Claim, list[Event]]:
        received = claim.step(Status.RECEIVED, at=at, by=by, why="swapped-serial" if is_swapped else "")
        received = replace(received, repair=replace(received.repair, received_at=at))
        if is_swapped:
            received = received.flagged("swapped-serial")
        return received, announcer.stepped(received, at=at)

    return await change(deps, claim, step, if_match=if_match)


async def go_on(deps: Deps, claim: Claim, who: Identity, *, if_match: str | None = None) -> Claim:
    """The item that was received is the right one: what was decided is now asked of orders.

    Raises:
        IllegalStep: nothing has come; or it is a repair, which goes on by `begin_repair`.
        ChangedMeanwhile, TransientError: nothing has changed.
    """
    at, by, announcer = deps.clock(), _by(claim, who), await announcer_of(deps, claim)

    def step(claim: Claim) -> tuple[Claim, list[Event]]:
        if claim.status is not Status.RECEIVED or _is_repair(claim):
            raise IllegalStep(claim.status, Status.APPROVED)
        approved = claim.step(Status.APPROVED, at=at, by=by, why="item-checked")
        events = announcer.stepped(approved, at=at)
        asking, asked = requested(deps, approved, at=at)
        return asking, [*events, *asked]

    return await change(deps, claim, step, if_match=if_match)


async def refuse_item(deps: Deps, claim: Claim, who: Identity, *, note: str, if_match: str | None = None) -> Claim:
    """What was received is not what was sold, or was not what was said. Before it comes, `decide` rejects.

    Raises:
        RemedyUnderWay: orders may still pay it back, or send another.
        IllegalStep, ChangedMeanwhile, TransientError: nothing has changed.
    """
    return await _step(deps, claim, who, Status.REJECTED, if_match, why="item-refused", note=note)


async def begin_repair(
    deps: Deps, claim: Claim, who: Identity, diagnosis: str, *, cost_minor: int = 0, if_match: str | None = None
) -> Claim:
    """The item is on the bench.

    Raises:
        InvalidInput: a cost below nothing.
        IllegalStep, ChangedMeanwhile, TransientError: nothing has changed.
    """
    if not 0 <= cost_minor < 2**53:
        raise InvalidInput(fields=[FieldError("/cost_minor", "out-of-range", "must be 0 or more")])
    at, by, announcer = deps.clock(), _by(claim, who), await announcer_of(deps, claim)
    sealed = await _sealed(deps, claim, diagnosis, "diagnosis")

    def step(claim: Claim) -> tuple[Claim, list[Event]]:
        if not _is_repair(claim):
            raise IllegalStep(claim.status, Status.IN_REPAIR)
        begun = claim.step(Status.IN_REPAIR, at=at, by=by)
        repair = replace(begun.repair, diagnosis=sealed, cost_minor=cost_minor)
        return replace(begun, repair=repair), announcer.stepped(begun, at=at)

    return await change(deps, claim, step, if_match=if_match)


async def return_repaired(deps: Deps, claim: Claim, who: Identity, *, if_match: str | None = None) -> Claim:
    """The item is on its way back; the days that it was here are added to its cover.

    They are noted first, once for each claim: whoever dies between the two writes leaves a claim still in repair,
    and the step is taken again.

    Raises:
        IllegalStep, ChangedMeanwhile, TransientError: nothing has changed.
    """
    at, by, announcer = deps.clock(), _by(claim, who), await announcer_of(deps, claim)

    def step(claim: Claim) -> tuple[Claim, list[Event]]:
        closed = claim.step(Status.CLOSED, at=at, by=by, why="repaired")
        repair = replace(closed.repair, returned_at=at, extended_days=_days(closed.repair.received_at, at))
        closed = replace(closed, repair=repair)
        return closed, announcer.stepped(closed, at=at)

    step(claim)  # what is not legal notes nothing
    await deps.purchases.extend(claim.item.purchase_id, claim.id, _days(claim.repair.received_at, at))
    return await change(deps, claim, step, if_match=if_match)


async def _write(
    deps: Deps, claim: Claim, who: Identity, text: str, *, status: Status | None, if_match: str | None
) -> Claim:
    at, by, announcer = deps.clock(), _by(claim, who), await announcer_of(deps, claim)
    person = await claimant_of(deps, claim)
    if person is None:
        raise PersonErased
    message = sealed_message(deps, person, claim, text, by=by)

    def step(claim: Claim) -> tuple[Claim, list[Event]]:
        said = claim.said(message)
        if status is not None:
            said = said.step(status, at=at, by=by)
        return said, [announcer.wrote(said, text, at=at)]

    return await change(deps, claim, step, if_match=if_match)


async def _step(
    deps: Deps, claim: Claim, who: Identity, status: Status, if_match: str | None, *, why: str = "", note: str = ""
) -> Claim:
    at, by, announcer = deps.clock(), _by(claim, who), await announcer_of(deps, claim)
    sealed = await _note(deps, claim, note, at)

    def step(claim: Claim) -> tuple[Claim, list[Event]]:
        if status is Status.REJECTED:
            if claim.status is not Status.RECEIVED:
                raise IllegalStep(claim.status, status)
            claim.refuse_undecidable(None)
        if status is Status.UNDER_REVIEW and claim.status in _UNDER_WAY:
            raise IllegalStep(claim.status, status)
        again = claim.status in _GIVEN_UP
        stepped = claim.step(status, at=at, by=by, why="decide-anew" if again else why, note=sealed)
        stepped = replace(stepped, decision=None) if again else stepped
        return stepped, announcer.stepped(stepped, at=at)

    return await change(deps, claim, step, if_match=if_match)


def _by(claim: Claim, who: Identity) -> str:
    """Who takes the step.

    Raises:
        OwnClaim: it is theirs.
    """
    if claim.person_id == who.subject:
        raise OwnClaim
    return staff(who)


async def _serial_since(deps: Deps, claim: Claim) -> str:
    """That of the unit that was shipped after the claim was opened; "" where none was."""
    parcels = await deps.purchases.serials(claim.item.purchase_id)
    return parcels[-1].serial if parcels else ""


def _is_repair(claim: Claim) -> bool:
    return claim.decision is not None and claim.decision.remedy is Remedy.REPAIR


async def _note(deps: Deps, claim: Claim, text: str, at: datetime) -> bytes:
    return await _sealed(deps, claim, text, f"note {at.isoformat()}")


async def _sealed(deps: Deps, claim: Claim, text: str, field: str) -> bytes:
    """The text under the claimant's key; dropped where the claimant was erased."""
    person = await claimant_of(deps, claim) if text else None
    return person.seal(text, Place(COLLECTION, field, claim.id)) if person is not None else b""


def _days(since: datetime | None, until: datetime) -> int:
    """Days begun, so never to the claimant's cost."""
    return 0 if since is None else (until - since).days + 1
