"""From what happened to a claim to the mail that tells of it. Each has a natural key: once for each happening."""

from services.mailer.notices.domain import ClaimFacts, Content
from services.mailer.notices.post import NoticeRequest
from shared.contracts.warranty import ClaimNotice, ClaimOpened, ClaimOverdue, ClaimReminded, ClaimResolved, ClaimUpdated

_STEPS = {
    "approved": "claim-approved",
    "waiting_for_item": "claim-return",
    "received": "claim-received",
    "in_repair": "claim-in-repair",
    "under_review": "claim-review",
}
_ENDS = {
    "repair": "claim-repaired",
    "replacement": "claim-replaced",
    "refund": "claim-refunded",
    "rejected": "claim-rejected",
    "withdrawn": "claim-withdrawn",
}


def opened(told: ClaimOpened, to: ClaimNotice) -> NoticeRequest:
    """That it is here, and by when there will be an answer."""
    facts = ClaimFacts(number=told.number, product=told.name, happened_at=told.answer_by)
    return NoticeRequest(f"claim:{told.claim_id}:opened", "claim-opened", told.language, _content(to, facts))


def updated(told: ClaimUpdated, to: ClaimNotice, *, event_id: str) -> NoticeRequest | None:
    """What comes next; or what the staff wrote. None for a step that a later release may know."""
    template = "claim-message" if told.what == "message" else _STEPS.get(told.status)
    if template is None:
        return None
    facts = ClaimFacts(
        number=told.number,
        product=told.name,
        happened_at=told.updated_at,
        remedy=told.remedy,
        message=to.message,
    )
    return NoticeRequest(f"claim:{told.claim_id}:{event_id}", template, told.language, _content(to, facts))


def closed(told: ClaimResolved, to: ClaimNotice) -> NoticeRequest:
    """How it ended."""
    facts = ClaimFacts(number=told.number, product=told.name, happened_at=told.resolved_at, serial=told.serial)
    template = _ENDS.get(told.outcome, "claim-review")
    return NoticeRequest(f"claim:{told.claim_id}:closed", template, told.language, _content(to, facts))


def near(told: ClaimReminded, *, to: str) -> NoticeRequest:
    """For the shop: which claim, and until when."""
    facts = ClaimFacts(number=told.number, product="", happened_at=told.due_at)
    key = f"claim:{told.claim_id}:reminded:{told.deadline}:{told.due_at.isoformat()}"
    return NoticeRequest(key, "claim-due-soon", "en", Content(email=to, claim=facts))


def late(told: ClaimOverdue, *, to: str) -> NoticeRequest:
    """For the shop: which claim, and since when."""
    facts = ClaimFacts(number=told.number, product="", happened_at=told.due_at)
    content = Content(email=to, claim=facts)
    return NoticeRequest(f"claim:{told.claim_id}:overdue:{told.deadline}", "claim-overdue", "en", content)


def _content(to: ClaimNotice, facts: ClaimFacts) -> Content:
    return Content(email=to.email, name=to.name, link=to.link, claim=facts)
