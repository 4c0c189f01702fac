"""What screening has left on an order, as MongoDB keeps it."""

from services.orders.screening.domain import Decision, Finding, Hit, Kind, Marks, Review, Verdict
from shared.mongo import Document


def marks_document(marks: Marks) -> Document:
    """The marks beside that of the card, which the order has as `card_fingerprint`."""
    return {kind.value: mark for kind, mark in marks.present.items() if mark != marks.card}


def marks_of(document: Document) -> Marks:
    """Undo `marks_document`."""
    return Marks(card=document["card_fingerprint"], **document.get("marks", {}))


def screened_fields(verdict: Verdict | None, review: Review | None) -> Document:
    """What a later write sets, where there is any."""
    fields: Document = {}
    if verdict is not None:
        fields["screening"] = {
            "decision": verdict.decision.value,
            "hits": [{"rule": hit.rule, "decision": hit.decision.value, "reason": hit.reason} for hit in verdict.hits],
            "rules_version": verdict.rules_version,
            "card_country": verdict.card_country,
        }
    if review is not None:
        fields["review"] = {
            "finding": review.finding.value,
            "by": review.by,
            "at": review.at,
            "note": review.note,
            "block": [kind.value for kind in review.block],
        }
    return fields


def verdict_of(document: Document) -> Verdict | None:
    """The verdict, if there is one."""
    stored = document.get("screening")
    if stored is None:
        return None
    hits = tuple(Hit(**hit | {"decision": Decision(hit["decision"])}) for hit in stored["hits"])
    return Verdict(**stored | {"decision": Decision(stored["decision"]), "hits": hits})


def review_of(document: Document) -> Review | None:
    """What a person has decided, if one has."""
    stored = document.get("review")
    if stored is None:
        return None
    block = tuple(Kind(kind) for kind in stored["block"])
    return Review(Finding(stored["finding"]), stored["by"], stored["at"], bytes(stored["note"]), block)
