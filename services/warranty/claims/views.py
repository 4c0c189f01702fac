"""A claim as its claimant sees it, and as the staff do."""

from dataclasses import replace
from datetime import date
from typing import Any

from pydantic import AwareDatetime

from services.warranty.claims.deadlines import is_due_soon
from services.warranty.claims.domain import Claim, Message, Photo
from services.warranty.claims.steps import CUSTOMER, Step
from services.warranty.claims.store import COLLECTION
from services.warranty.claims.usecases import open_message
from shared.http.routes import ResponseModel
from shared.personal import PersonKey, Place

PATH = "/api/warranty/claims"
DESK = "/api/warranty/desk/claims"


class StepView(ResponseModel):
    """One step of the history."""

    status: str
    at: AwareDatetime
    by: str
    """customer, rules, shop or staff."""
    why: str
    note: str


class MessageView(ResponseModel):
    """One message of the conversation; nobody's address is in it."""

    id: str
    at: AwareDatetime
    by: str
    """customer or staff."""
    text: str


class PhotoView(ResponseModel):
    """One photo, as it was drawn anew: a JPEG of pixels only."""

    id: str
    at: AwareDatetime
    href: str
    """Where it is; a guest adds the query of the order's link."""
    width: int
    height: int
    size: int
    """In bytes."""


class CoverView(ResponseModel):
    """What the rules said on the day of the claim."""

    is_covered: bool
    since: date
    until: date
    rule: str
    rule_version: int
    why: str


class ItemView(ResponseModel):
    """The item that is claimed."""

    purchase_id: str
    order_number: str
    sku: str
    name: str
    serial: str
    price_minor: int
    currency: str


class ClaimSummary(ResponseModel):
    """A claim in a list."""

    id: str
    number: str
    status: str
    problem: str
    wanted: str
    item: ItemView
    opened_at: AwareDatetime
    resolve_by: AwareDatetime
    is_overdue: bool


class DeskClaimSummary(ClaimSummary):
    """A claim in a list of the staff: with the reasons to look twice, which are none of its claimant's business."""

    flags: tuple[str, ...]
    is_due_soon: bool
    """A deadline was reminded of, and none is missed yet."""


class ClaimView(ResponseModel):
    """A claim, for its claimant."""

    id: str
    number: str
    status: str
    problem: str
    wanted: str
    words: str
    item: ItemView
    cover: CoverView
    is_goodwill: bool
    decided: str
    """The remedy that was decided: repair, replacement or refund; empty before, and where the claim was rejected."""
    decided_by_rule: str
    """The rule and the version of the rules, where no person decided."""
    opened_at: AwareDatetime
    answer_by: AwareDatetime
    answered_at: AwareDatetime | None
    """When the staff, or the rules, first answered."""
    resolve_by: AwareDatetime
    resolved_at: AwareDatetime | None
    new_serial: str
    history: tuple[StepView, ...]
    messages: tuple[MessageView, ...]
    photos: tuple[PhotoView, ...]


class DeskClaimView(ClaimView):
    """A claim, for the staff: no name, no address, but who of them did what."""

    flags: tuple[str, ...]
    overdue: tuple[str, ...]
    proposed_by: str
    proposed: str
    remedy_progress: str
    remedy_refused: str
    diagnosis: str
    cost_minor: int


def summary_of(claim: Claim) -> ClaimSummary:
    """The claim in a list of its claimant."""
    return ClaimSummary(**_summary(claim, names_staff=False))


def desk_summary_of(claim: Claim) -> DeskClaimSummary:
    """The claim in a list of the staff."""
    return DeskClaimSummary(**_summary(claim, names_staff=True), flags=claim.flags, is_due_soon=is_due_soon(claim))


def _summary(claim: Claim, *, names_staff: bool) -> dict[str, Any]:
    return {
        "id": claim.id,
        "number": claim.number,
        "status": claim.status.value,
        "problem": claim.problem.value,
        "wanted": claim.wanted.value,
        "item": _item(claim, names_staff=names_staff),
        "opened_at": claim.opened_at,
        "resolve_by": claim.clock.resolve_by,
        "is_overdue": bool(claim.clock.overdue),
    }


def view_of(claim: Claim, person: PersonKey | None) -> ClaimView:
    """The claim for its claimant; without a key, of somebody erased, without words."""
    return ClaimView(**_common(claim, person, PATH, names_staff=False))


def desk_view_of(claim: Claim, person: PersonKey | None) -> DeskClaimView:
    """The claim for the staff."""
    proposed = claim.proposed
    diagnosis = _opened(person, claim, claim.repair.diagnosis, "diagnosis")
    return DeskClaimView(
        **_common(claim, person, DESK, names_staff=True),
        flags=claim.flags,
        overdue=claim.clock.overdue,
        proposed_by=proposed.by if proposed else "",
        proposed=proposed.remedy.value if proposed and proposed.remedy else "",
        remedy_progress=claim.saga.progress.value,
        remedy_refused=claim.saga.refused,
        diagnosis=diagnosis,
        cost_minor=claim.repair.cost_minor,
    )


def photo_view(photo: Photo, claim_href: str) -> PhotoView:
    """A photo of the claim at this address."""
    href = f"{claim_href}/photos/{photo.id}"
    return PhotoView(id=photo.id, at=photo.at, href=href, width=photo.width, height=photo.height, size=photo.size)


def _common(claim: Claim, person: PersonKey | None, path: str, *, names_staff: bool) -> dict[str, Any]:
    decision = claim.decision
    return {
        "id": claim.id,
        "number": claim.number,
        "status": claim.status.value,
        "problem": claim.problem.value,
        "wanted": claim.wanted.value,
        "words": _opened(person, claim, claim.words, "words"),
        "item": _item(claim, names_staff=names_staff),
        "cover": CoverView(
            is_covered=claim.cover.is_covered,
            since=claim.cover.since,
            until=claim.cover.until,
            rule=claim.cover.rule,
            rule_version=claim.cover.rule_version,
            why=claim.cover.why,
        ),
        "is_goodwill": claim.is_goodwill,
        "decided": decision.remedy.value if decision and decision.remedy else "",
        "decided_by_rule": f"{decision.rule} ({decision.rules_version})" if decision and decision.rule else "",
        "opened_at": claim.opened_at,
        "answer_by": claim.clock.first_answer_by,
        "answered_at": claim.clock.answered_at,
        "resolve_by": claim.clock.resolve_by,
        "resolved_at": claim.clock.resolved_at,
        "new_serial": claim.saga.new_serial,
        "history": tuple(_step(claim, step, person, names_staff=names_staff) for step in claim.history),
        "messages": tuple(_message(claim, each, person) for each in claim.messages),
        "photos": tuple(photo_view(photo, f"{path}/{claim.id}") for photo in claim.photos) if person else (),
    }


def _item(claim: Claim, *, names_staff: bool) -> ItemView:
    item = claim.item
    if item.is_transferred and not names_staff:
        item = replace(item, order_number="", price_minor=0)
    return ItemView(
        purchase_id=item.purchase_id,
        order_number=item.order_number,
        sku=item.sku,
        name=item.name,
        serial=item.serial,
        price_minor=item.price_minor,
        currency=item.currency,
    )


def _step(claim: Claim, step: Step, person: PersonKey | None, *, names_staff: bool) -> StepView:
    by = step.by if names_staff else step.by.partition(":")[0]
    note = _opened(person, claim, step.note, f"note {step.at.isoformat()}")
    return StepView(status=step.status.value, at=step.at, by=by, why=step.why, note=note)


def _message(claim: Claim, message: Message, person: PersonKey | None) -> MessageView:
    text = open_message(person, claim, message, purpose="warranty") if person is not None else ""
    return MessageView(id=message.id, at=message.at, by=CUSTOMER if message.by == CUSTOMER else "staff", text=text)


def _opened(person: PersonKey | None, claim: Claim, box: bytes, field: str) -> str:
    if person is None or not box:
        return ""
    return person.open(box, Place(COLLECTION, field, claim.id), purpose="warranty").decode()
