"""Claims and runs in MongoDB; the shape of the document is described in `services.mailer.subscribers`."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.mailer.months import CapPlace, Month
from services.mailer.sending.domain import (
    FOLLOW_UP_WAITS,
    FORGOTTEN_AFTER,
    Claimed,
    Forecast,
    Hour,
    Recovered,
    Result,
    Results,
    Span,
    Stage,
    Terms,
)
from services.mailer.subscribers import COLLECTION, UNCOUNTED
from services.mailer.subscriptions.domain import SubscriptionState
from shared.mongo import Database, Document, Index, ensure_indexes, patiently, translated

RUNS = "runs"
_CONFIRMED = SubscriptionState.CONFIRMED.value
_UNSUBSCRIBED = SubscriptionState.UNSUBSCRIBED.value


class MongoClaims:
    """`Claims` on a database handle."""

    def __init__(self, database: Database) -> None:
        self._collection = database[COLLECTION]
        self._marks = itertools.count(1)

    async def candidates(self, terms: Terms, span: Span, *, limit: int) -> list[str]:
        """See `Claims.candidates`."""
        wanted = _claimable(terms) | {"_id": {"$gt": span.after, "$lte": span.upto}}
        with patiently(), translated():  # where few are left, it goes over all the others
            found = await self._collection.find(wanted, {"_id": 1}).sort("_id", 1).limit(limit).to_list(None)
        return [document["_id"] for document in found]

    async def boundary(self, terms: Terms, *, after: str, size: int) -> str:
        """See `Claims.boundary`: the keys stay in the database."""
        stages: list[Document] = [
            {"$match": _claimable(terms) | {"_id": {"$gt": after}}}, {"$sort": {"_id": 1}}, {"$limit": size},
            {"$group": {"_id": None, "last": {"$max": "$_id"}}},
        ]  # fmt: skip
        with patiently(), translated():
            found = await self._collection.aggregate(stages).to_list(None)
        return str(found[0]["last"]) if found else ""

    async def claim(self, ids: Sequence[str], terms: Terms) -> list[Claimed]:
        """See `Claims.claim`: one conditional write over all ids, then one read of who carries this claim."""
        live = {
            "campaign": terms.campaign_id,
            "run": terms.run_id,
            "fence": terms.fence,
            "stage": Stage.CLAIMED.value,
            "months": list(terms.place.caps),
            "at": terms.at,
        }
        counted = {f"months.{month}": 1 for month in terms.place.caps}
        wanted = _claimable(terms) | {"_id": {"$in": list(ids)}}
        with translated():
            await self._collection.update_many(wanted, {"$set": {"live": live}, "$inc": counted})
            fields = {"language": 1, "email": 1, "name": 1, "person": 1}
            found = await self._collection.find(_held(ids, terms.fence), fields).to_list(None)
        return [_claimed(document) for document in found if "email" in document]

    async def mark_dot(self, ids: Sequence[str], fence: str) -> set[str]:
        """See `Claims.mark_dot`: one write, and a read of who carries this mark only where somebody was missed."""
        mark = next(self._marks)  # unique within the fence, and a fence is one process's
        wanted = _held(ids, fence) | {"live.stage": Stage.CLAIMED.value}
        with translated():
            done = await self._collection.update_many(
                wanted, {"$set": {"live.stage": Stage.DOT.value, "live.mark": mark}}
            )
            if done.matched_count == len(ids):
                return set(ids)
            found = await self._collection.find(_held(ids, fence) | {"live.mark": mark}, {"_id": 1}).to_list(None)
        return {document["_id"] for document in found}

    async def settle(self, ids: Sequence[str], fence: str, result: Result, *, at: datetime) -> int:
        """See `Claims.settle`."""
        with translated():
            done = await self._collection.update_many(_held(ids, fence), _ending(result, at))
        return int(done.modified_count)

    async def recover(self, campaign_id: str, dead_runs: Sequence[str], *, at: datetime) -> Recovered:
        """See `Claims.recover`."""
        lost = [{"live.run": {"$in": list(dead_runs)}}, {"live.at": {"$lt": at - FORGOTTEN_AFTER}}]
        wanted = {"live.campaign": campaign_id, "$or": lost}
        with translated():
            back = await self._collection.update_many(
                wanted | {"live.stage": Stage.CLAIMED.value}, _ending(Result.GIVEN_BACK, at)
            )
            unknown = await self._collection.update_many(
                wanted | {"live.stage": Stage.DOT.value}, _ending(Result.UNKNOWN, at)
            )
        return Recovered(int(back.modified_count), int(unknown.modified_count))

    async def cancel(self, campaign_id: str) -> int:
        """See `Claims.cancel`."""
        wanted = {"live.campaign": campaign_id, "live.stage": Stage.CLAIMED.value}
        with translated():
            done = await self._collection.update_many(wanted, [{"$set": UNCOUNTED}, {"$unset": "live"}])
        return int(done.modified_count)

    async def release(self, subscriber_id: str) -> bool:
        """See `Claims.release`."""
        wanted = {"_id": subscriber_id, "live.stage": Stage.CLAIMED.value}
        with translated():
            done = await self._collection.update_one(wanted, [{"$set": UNCOUNTED}, {"$unset": "live"}])
        return bool(done.modified_count)

    async def holders(self, campaign_id: str) -> set[str]:
        """See `Claims.holders`."""
        with translated():
            return set(await self._collection.distinct("live.run", {"live.campaign": campaign_id}))

    async def fences(self, campaign_id: str) -> set[str]:
        """See `Claims.fences`."""
        with translated():
            return set(await self._collection.distinct("live.fence", {"live.campaign": campaign_id}))

    async def results(self, campaign_id: str) -> Results:
        """See `Claims.results`."""
        kept = [result for result in Result if result.is_final]
        put_off = {"state": _CONFIRMED, "deferred": campaign_id, "issues.campaign": {"$ne": campaign_id}}
        wanted = [*(_got(campaign_id, result) for result in kept), put_off]
        counts = await asyncio.gather(*map(self._count, wanted))
        return Counter(dict(zip([*kept, Result.DEFERRED], counts, strict=True)))

    async def by_hour(self, campaign_id: str, zone: ZoneInfo) -> Sequence[Hour]:
        """See `Claims.by_hour`."""
        mine = {"$filter": {"input": "$issues", "cond": {"$eq": ["$$this.campaign", campaign_id]}}}
        got: list[Document] = [{"$match": {"issues.campaign": campaign_id}}, {"$set": {"mine": {"$first": mine}}}]
        has_left = {
            "$and": [{"$eq": [{"$last": "$issues.campaign"}, campaign_id]}, {"$gte": ["$changed_at", "$mine.at"]}]
        }
        left: list[Document] = [{"$match": {"state": _UNSUBSCRIBED, "$expr": has_left}}]
        with translated():
            ended, gone = await asyncio.gather(
                self._collection.aggregate([*got, _per_hour("$mine.at", "$mine.result", zone)]).to_list(None),
                self._collection.aggregate([*got, *left, _per_hour("$changed_at", "left", zone)]).to_list(None),
            )
        results: dict[datetime, Counter[Result]] = {}
        for group in ended:
            results.setdefault(group["_id"]["at"], Counter())[Result(group["_id"]["what"])] += group["count"]
        unsubscribed = {group["_id"]["at"]: int(group["count"]) for group in gone}
        hours = sorted(results.keys() | unsubscribed.keys())
        return [Hour(at, results.get(at, Counter()), unsubscribed.get(at, 0)) for at in hours]

    async def forecast(
        self, campaign_id: str, topic: str, place: CapPlace, *, at: datetime, is_follow_up: bool = False
    ) -> Forecast:
        """See `Claims.forecast`."""
        everybody = {"state": _CONFIRMED, "topics": topic, "issues.campaign": {"$ne": campaign_id}}
        everybody |= _due(campaign_id, at) if is_follow_up else {}
        wanted = everybody | _awake(at)
        free = wanted | {"live": None}
        all_free, this_month_free = _below(place.caps), _below({place.month: place.caps[place.month]})
        no_place = {"$nor": [all_free]}
        now, capped, waiting, being_sent, suppressed, paused = await asyncio.gather(
            self._count(free | all_free),
            self._count(wanted | no_place | {"live.campaign": {"$ne": campaign_id}}),
            self._count(wanted | this_month_free | no_place | {"live.campaign": {"$ne": campaign_id}}),
            self._count({"live.campaign": campaign_id}),
            self._count(everybody | {"state": _UNSUBSCRIBED}),
            self._count(everybody | {"paused_until": {"$gt": at}}),
        )
        return Forecast(now, capped, waiting, being_sent, suppressed, paused)

    async def left_since(self, campaign_id: str, topic: str, since: datetime) -> int:
        """See `Claims.left_since`."""
        left: Document = {"state": _UNSUBSCRIBED, "topics": topic, "changed_at": {"$gte": since}}
        return await self._count(left | {"issues.campaign": {"$ne": campaign_id}})

    async def _count(self, wanted: Mapping[str, Any]) -> int:
        with patiently(), translated():
            return int(await self._collection.count_documents(dict(wanted)))


def _claimable(terms: Terms) -> Document:
    return {
        "state": _CONFIRMED,
        "topics": terms.topic,
        "live": None,
        "issues.campaign": {"$ne": terms.campaign_id},
        **_awake(terms.at),
        **(_due(terms.campaign_id, terms.at) if terms.is_follow_up else {}),
        **_below(terms.place.caps),
    }


def _due(campaign_id: str, at: datetime) -> Document:
    due = {"campaign": campaign_id, "due_at": {"$lte": at, "$gt": at - FOLLOW_UP_WAITS}}
    # The first says nothing more, but lets the partial index be used.
    return {"followups.campaign": campaign_id, "followups": {"$elemMatch": due}}


def _awake(at: datetime) -> Document:
    return {"paused_until": {"$not": {"$gt": at}}}


def _below(caps: Mapping[Month, int]) -> Document:
    """Below the cap of each month, and below one in each for who wants fewer."""
    if max(caps.values()) <= 1:
        return _counts_below(caps)
    fewer = _counts_below({month: min(cap, 1) for month, cap in caps.items()})
    return _counts_below(caps) | {"$or": [{"fewer": {"$ne": True}}, fewer]}


def _counts_below(caps: Mapping[Month, int]) -> Document:
    # A month without a count has none yet; where the cap is 0 even that is too many.
    return {f"months.{month}": {"$not": {"$gte": cap}} if cap > 0 else {"$lt": 0} for month, cap in caps.items()}


def _held(ids: Sequence[str], fence: str) -> Document:
    return {"_id": {"$in": list(ids)}, "live.fence": fence}


def _got(campaign_id: str, result: Result) -> Document:
    return {"issues": {"$elemMatch": {"campaign": campaign_id, "result": result.value}}}


def _per_hour(moment: str, what: str, zone: ZoneInfo) -> Document:
    hour = {"$dateTrunc": {"date": moment, "unit": "hour", "timezone": zone.key}}
    return {"$group": {"_id": {"at": hour, "what": what}, "count": {"$sum": 1}}}


def _ending(result: Result, at: datetime) -> list[Document]:
    changes: Document = {}
    if result.frees_its_place:
        changes |= UNCOUNTED
    put_off = {"$ifNull": ["$deferred", []]}
    if result is Result.DEFERRED:
        changes["deferred"] = {"$setUnion": [put_off, ["$live.campaign"]]}
    if result.is_final:
        changes["deferred"] = {
            "$cond": [{"$isArray": "$deferred"}, {"$setDifference": [put_off, ["$live.campaign"]]}, "$$REMOVE"]
        }
        entry = {"campaign": "$live.campaign", "result": result.value, "at": at}
        changes["issues"] = {"$concatArrays": [{"$ifNull": ["$issues", []]}, [entry]]}
    return [*([{"$set": changes}] if changes else []), {"$unset": "live"}]


def _claimed(document: Mapping[str, Any]) -> Claimed:
    email, name = bytes(document["email"]), bytes(document["name"])
    return Claimed(document["_id"], document["language"], email, name, document["person"])


async def ensure_run_indexes(database: Database) -> None:
    """Runs that died are forgotten after a day; their claims are recovered long before."""
    await ensure_indexes(database[RUNS], [Index("until", [("until", 1)], expire_after_s=86_400)])


class MongoRuns:
    """`Runs` on a database handle. Times are the server's own, so that the clocks of senders do not matter."""

    def __init__(self, database: Database) -> None:
        self._collection = database[RUNS]

    async def beat(self, run_id: str, *, ttl_s: float) -> None:
        """See `Runs.beat`."""
        until = {"$add": ["$$NOW", int(ttl_s * 1000)]}
        with translated():
            await self._collection.update_one({"_id": run_id}, [{"$set": {"until": until}}], upsert=True)

    async def end(self, run_id: str) -> None:
        """See `Runs.end`."""
        with translated():
            await self._collection.delete_one({"_id": run_id})

    async def dead(self) -> list[str]:
        """See `Runs.dead`."""
        return await self._ids({"$expr": {"$lt": ["$until", "$$NOW"]}})

    async def living(self) -> set[str]:
        """See `Runs.living`."""
        return set(await self._ids({"$expr": {"$gte": ["$until", "$$NOW"]}}))

    async def _ids(self, wanted: Mapping[str, Any]) -> list[str]:
        with translated():
            found = await self._collection.find(dict(wanted), {"_id": 1}).to_list(None)
        return [document["_id"] for document in found]
