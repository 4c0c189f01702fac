"""A claim as MongoDB keeps it. What a later release adds has a default here, so that older documents stay readable."""

from dataclasses import asdict
from datetime import date
from typing import Any

from services.warranty.claims.deadlines import next_look
from services.warranty.claims.domain import (
    Claim,
    Cover,
    Deadlines,
    Decision,
    Item,
    Message,
    Photo,
    Problem,
    Progress,
    Remedy,
    Repair,
    Saga,
)
from services.warranty.claims.steps import Status, Step
from shared.mongo import Document


def document_of(claim: Claim) -> Document:
    """The whole document."""
    return {
        "_id": claim.id,
        "number": claim.number,
        "holder_key": claim.holder_key,
        "person_id": claim.person_id,
        "item": asdict(claim.item),
        "problem": claim.problem.value,
        "wanted": claim.wanted.value,
        "language": claim.language,
        "cover": asdict(claim.cover) | {"since": claim.cover.since.isoformat(), "until": claim.cover.until.isoformat()},
        "is_goodwill": claim.is_goodwill,
        "opened_at": claim.opened_at,
        **changing(claim),
    }


def changing(claim: Claim) -> Document:
    """The fields that change in the course of a claim's life; `open`, `queue_at`, `look_at` are there for indexes."""
    fields: Document = {
        "status": claim.status.value,
        "words": claim.words,
        "contact": claim.contact,
        "history": [asdict(step) | {"status": step.status.value} for step in claim.history],
        "decision": _decision(claim.decision),
        "proposed": _decision(claim.proposed),
        "saga": asdict(claim.saga) | {"progress": claim.saga.progress.value, "refusals": list(claim.saga.refusals)},
        "repair": asdict(claim.repair),
        "messages": [asdict(message) for message in claim.messages],
        "photos": [asdict(photo) for photo in claim.photos],
        "flags": list(claim.flags),
        "clock": asdict(claim.clock) | {"reminded": list(claim.clock.reminded), "overdue": list(claim.clock.overdue)},
        "version": claim.version,
    }
    look_at = next_look(claim)
    fields["open"] = claim.item.purchase_id if claim.is_open else None
    fields["queue_at"] = claim.clock.resolve_by if claim.needs_staff else None
    fields["look_at"] = look_at
    return fields


def split(fields: Document) -> tuple[Document, Document]:
    """What to set, and what to unset: a partial index holds documents that have its field."""
    return (
        {name: value for name, value in fields.items() if value is not None},
        {name: "" for name, value in fields.items() if value is None},
    )


def claim_of(document: Document) -> Claim:
    """The claim in a document."""
    cover, clock = document["cover"], document["clock"]
    return Claim(
        id=document["_id"],
        number=document["number"],
        holder_key=document.get("holder_key", ""),
        person_id=document.get("person_id", ""),
        item=Item(**document["item"]),
        problem=Problem(document["problem"]),
        wanted=Remedy(document["wanted"]),
        words=bytes(document.get("words", b"")),
        contact=bytes(document.get("contact", b"")),
        language=document["language"],
        cover=Cover(**cover | {day: date.fromisoformat(cover[day]) for day in ("since", "until")}),
        is_goodwill=document["is_goodwill"],
        opened_at=document["opened_at"],
        clock=Deadlines(**clock | {"reminded": tuple(clock["reminded"]), "overdue": tuple(clock["overdue"])}),
        status=Status(document["status"]),
        history=tuple(Step(**row | {"status": Status(row["status"]), "note": bytes(row["note"])})
                      for row in document["history"]),
        decision=_read_decision(document.get("decision")),
        proposed=_read_decision(document.get("proposed")),
        saga=_read_saga(document["saga"]),
        repair=Repair(**document["repair"] | {"diagnosis": bytes(document["repair"]["diagnosis"])}),
        messages=tuple(Message(**row | {"text": bytes(row["text"])}) for row in document["messages"]),
        photos=tuple(Photo(**row) for row in document.get("photos", ())),
        flags=tuple(document["flags"]),
        version=document["version"],
    )  # fmt: skip


def _decision(decision: Decision | None) -> Document | None:
    if decision is None:
        return None
    document = asdict(decision) | {"remedy": decision.remedy.value if decision.remedy else None}
    if not decision.return_first:  # the release before does not know it
        del document["return_first"]
    return document


def _read_saga(document: Document) -> Saga:
    # Earlier releases wrote `request` too, which nobody reads.
    known = {name: value for name, value in document.items() if name != "request"}
    return Saga(**known | {"progress": Progress(known["progress"]), "refusals": tuple(known.get("refusals", ()))})


def _read_decision(document: Any) -> Decision | None:
    if not document:
        return None
    return Decision(**document | {"remedy": Remedy(document["remedy"]) if document["remedy"] else None})
