"""Claims of all kinds as warranty's store keeps them: one in twenty waits for somebody, the others are over."""

import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from services.warranty.claims.documents import document_of, split
from services.warranty.claims.domain import Claim, Cover, Deadlines, Decision, Item, Message, Problem, Remedy
from services.warranty.claims.steps import Status

_MODELS = 840
_EVERY = timedelta(minutes=2)
"""Between two claims: the last 200,000 took nine months."""


def documents(count: int, *, now: datetime) -> Iterator[dict[str, Any]]:
    """So many, the newest last. Nobody looks after their deadlines: they are past, and that is not what is measured."""
    now = now.replace(microsecond=0)
    models = [split(document_of(_claim(n, now)))[0] for n in range(_MODELS)]
    for n in range(count):
        yield _copy(models[n % _MODELS], n, (count - n) * _EVERY)


def _copy(model: dict[str, Any], n: int, ago: timedelta) -> dict[str, Any]:
    """Another of that kind, opened so long ago; its history and messages are the model's."""
    item = {**model["item"], "purchase_id": f"o-{n}-1-1", "order_id": f"o-{n}", "serial": f"TF-{n}"}
    clock = {name: value - ago if isinstance(value, datetime) else value for name, value in model["clock"].items()}
    copy = {
        **model, "_id": str(uuid.uuid4()), "number": f"C-{n:010}", "holder_key": f"{n % 50_000:064x}", "item": item,
        "opened_at": model["opened_at"] - ago, "clock": clock,
    }  # fmt: skip
    copy.pop("look_at", None)
    if "open" in model:
        copy["open"] = item["purchase_id"]
    if "queue_at" in model:
        copy["queue_at"] = clock["resolve_by"]
    return copy


def _claim(n: int, at: datetime) -> Claim:
    words = os.urandom(300)  # sealed text looks like this
    claim = Claim(
        id=str(uuid.uuid4()),
        number=f"C-{n:010}",
        holder_key=f"{n % 50_000:064x}",
        person_id=f"account-{n % 50_000}",
        item=Item(f"o-{n}-1-1", f"o-{n}", "7F3K-Q2XM", "TF-1", "Kisai Rogue", f"TF-{n}", "JP", 19800, "JPY"),
        problem=list(Problem)[n % len(Problem)],
        wanted=list(Remedy)[n % len(Remedy)],
        words=words,
        contact=words[:120],
        language="en",
        cover=Cover(is_covered=True, since=date(2026, 1, 1), until=date(2028, 1, 1), rule="maker", rule_version=1),
        is_goodwill=False,
        opened_at=at,
        clock=Deadlines(first_answer_by=at + timedelta(days=2), resolve_by=at + timedelta(days=14)),
    ).begun(at=at)
    return _later(claim, n, words)


def _later(claim: Claim, n: int, words: bytes) -> Claim:
    """What became of it: every twentieth waits, every other of those with a conversation, some overdue."""
    at, by = claim.opened_at + timedelta(hours=5 + n % 90), "staff:s-1"
    if n % 20 == 0:
        if n % 40 == 0:
            claim = claim.step(Status.UNDER_REVIEW, at=at, by=by)
            claim = claim.said(Message("m-1", at, by, words)).said(Message("m-2", at, "customer", words))
        late = ("first_answer",) if n % 140 == 0 else ()
        return replace(claim, clock=replace(claim.clock, overdue=late, reminded=late))
    if n % 10 == 1:
        return claim.withdrawn(at=at)
    if n % 10 == 2:
        return claim.decided(Decision(None, by, at), why="rejected", note=words)
    claim = claim.decided(Decision(Remedy.REPAIR, by, at), why="approved")
    for days, status in enumerate((Status.RECEIVED, Status.IN_REPAIR, Status.CLOSED), 2):
        claim = claim.step(status, at=at + timedelta(days=days), by=by)
    return claim
