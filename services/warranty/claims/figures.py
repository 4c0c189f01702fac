"""What the desk sees of all claims, from indexes: each count reads at most `MOST_FIGURED` entries of one."""

import asyncio
from datetime import UTC, datetime
from itertools import pairwise

from services.warranty.claims.deadlines import A_DAY, FIRST_ANSWER, RESOLUTION, THEIR_TURN, Due
from services.warranty.claims.steps import Status
from services.warranty.claims.store import MOST_FIGURED, SPANS_DAYS, Figures
from shared.mongo import Collection, Document, Index, translated

_THERE = {"$exists": True}
# Not $exists: of what an index holds that asks for each document, for null and nothing look alike in it.
_ANY_TIME = {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}
_A_DAY_MS = 86_400_000
_SPANS_MS = tuple(pairwise((-_A_DAY_MS, *(days * _A_DAY_MS for days in SPANS_DAYS), 2**62)))
_WAITING, _OVERDUE = "waiting", "overdue"
INDEXES = (
    Index("took", [("clock.resolved_at", -1), ("opened_at", 1)], partial={"clock.resolved_at": _ANY_TIME}),
    Index("overdue", [("clock.resolve_by", 1)], partial={"queue_at": _THERE, "clock.overdue.0": _THERE}),
)


async def figures_of(claims: Collection, since: datetime) -> Figures:
    """See `Claims.figures`."""
    pipelines: list[list[Document]] = [
        *[_counted(status.value, {"status": status.value}) for status in Status],
        _counted(_WAITING, {"queue_at": _ANY_TIME}),
        _counted(_OVERDUE, {"clock.resolve_by": _ANY_TIME, "queue_at": _THERE, "clock.overdue.0": _THERE}),
    ]
    # One command for all counts: a round trip each would cost more than the counting.
    together = [*pipelines[0], *({"$unionWith": {"coll": claims.name, "pipeline": each}} for each in pipelines[1:])]
    with translated():
        rows, resolved = await asyncio.gather(
            claims.aggregate(together).to_list(None), claims.aggregate(_took(since)).to_list(None)
        )
    found = {row["_id"]: int(row["count"]) for row in rows}
    waiting, overdue = found.pop(_WAITING, 0), found.pop(_OVERDUE, 0)
    if not resolved:
        return Figures(found, waiting, overdue, 0, 0.0)
    [took] = resolved
    spans = tuple(int(took[f"span_{n}"]) for n in range(len(_SPANS_MS)))
    return Figures(found, waiting, overdue, int(took["count"]), took["median_ms"] / 1000, spans)


async def deadlines_of(claims: Collection, now: datetime) -> dict[tuple[str, Due], int]:
    """See `Claims.by_deadline`: each open claim is read once."""
    is_due = {
        FIRST_ANSWER: _due("$clock.first_answer_by", now, unless={"$gt": ["$clock.answered_at", None]}),
        RESOLUTION: _due("$clock.resolve_by", now, unless={"$in": ["$status", [each.value for each in THEIR_TURN]]}),
    }
    pipeline: list[Document] = [{"$match": {"open": _THERE}}, {"$group": {"_id": is_due, "count": {"$sum": 1}}}]
    with translated():
        rows = await claims.aggregate(pipeline).to_list(None)
    counts = {(name, due): 0 for name in is_due for due in Due}
    for row in rows:
        for name, due in row["_id"].items():
            if due:
                counts[name, Due(due)] += int(row["count"])
    return counts


def _due(by: str, now: datetime, *, unless: Document) -> Document:
    """How near a deadline is, "" where it is none any more or not ours: an expression."""
    branches: list[Document] = [
        {"case": unless, "then": ""},
        {"case": {"$lte": [by, now]}, "then": Due.OVERDUE.value},
        {"case": {"$lte": [by, now + A_DAY]}, "then": Due.WITHIN_A_DAY.value},
    ]
    return {"$switch": {"branches": branches, "default": Due.LATER.value}}


def _counted(name: str, wanted: Document) -> list[Document]:
    return [{"$match": wanted}, {"$limit": MOST_FIGURED}, {"$count": "count"}, {"$set": {"_id": name}}]


def _took(since: datetime) -> list[Document]:
    return [
        {"$match": {"clock.resolved_at": {"$gte": since}}},
        {"$sort": {"clock.resolved_at": -1}},
        {"$limit": MOST_FIGURED},
        {"$project": {"_id": 0, "ms": {"$subtract": ["$clock.resolved_at", "$opened_at"]}}},
        {"$sort": {"ms": 1}},
        {"$group": {"_id": None, "count": {"$sum": 1}, "all": {"$push": "$ms"}, **_spans()}},
        {"$unset": "_id"},
        {"$set": {"median_ms": {"$arrayElemAt": ["$all", {"$floor": {"$divide": ["$count", 2]}}]}}},
        {"$unset": "all"},
    ]


def _spans() -> Document:
    """How many took longer than one span and not longer than the next."""
    return {
        f"span_{n}": {"$sum": {"$cond": [{"$and": [{"$gt": ["$ms", least]}, {"$lte": ["$ms", most]}]}, 1, 0]}}
        for n, (least, most) in enumerate(_SPANS_MS)
    }
