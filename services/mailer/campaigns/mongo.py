"""Campaigns in MongoDB: collection `campaigns`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.mailer.campaigns.domain import Campaign, CampaignState, Content, FollowUp, NoSuchCampaign
from services.mailer.campaigns.store import Changed
from shared.mongo import Database, Document, Index, ensure_indexes, translated

COLLECTION = "campaigns"
_OPEN = [CampaignState.SCHEDULED.value, CampaignState.SENDING.value]


async def ensure_campaign_indexes(database: Database) -> None:
    """What is due, and what a month holds."""
    await ensure_indexes(
        database[COLLECTION],
        [Index("due", [("state", 1), ("send_at", 1)]), Index("month", [("send_at", 1), ("_id", 1)])],
    )


class MongoCampaigns:
    """`Campaigns` on a database handle."""

    def __init__(self, database: Database) -> None:
        self._collection = database[COLLECTION]

    async def add(self, campaign: Campaign) -> None:
        """See `Campaigns.add`."""
        with translated():
            await self._collection.insert_one(_document(campaign))

    async def get(self, id: str) -> Campaign:
        """See `Campaigns.get`."""
        with translated():
            document = await self._collection.find_one({"_id": id})
        if document is None:
            raise NoSuchCampaign
        return _campaign(document)

    async def newest(self, *, limit: int, before: str = "") -> Sequence[Campaign]:
        """See `Campaigns.newest`."""
        wanted: Document = {"_id": {"$lt": before}} if before else {}
        with translated():
            found = await self._collection.find(wanted).sort("_id", -1).limit(limit).to_list(None)
        return [_campaign(document) for document in found]

    async def between(self, start: datetime, end: datetime) -> Sequence[Campaign]:
        """See `Campaigns.between`."""
        wanted = {"send_at": {"$gte": start, "$lt": end}}
        with translated():
            found = await self._collection.find(wanted).sort([("send_at", 1), ("_id", 1)]).limit(500).to_list(None)
        return [_campaign(document) for document in found]

    async def follow_ups(self) -> Sequence[Campaign]:
        """See `Campaigns.follow_ups`."""
        wanted = {"state": {"$in": [*_OPEN, CampaignState.PAUSED.value]}, "follow_up": {"$ne": None}}
        with translated():
            found = await self._collection.find(wanted).sort("_id", 1).to_list(None)
        return [_campaign(document) for document in found]

    async def due(self, now: datetime) -> Sequence[Campaign]:
        """See `Campaigns.due`."""
        wanted = {"state": {"$in": _OPEN}, "send_at": {"$lte": now}}
        with translated():
            found = await self._collection.find(wanted).sort([("send_at", 1), ("_id", 1)]).to_list(None)
        return [_campaign(document) for document in found]

    async def capped(self) -> int:
        """See `Campaigns.capped`."""
        sent = {"$match": {"state": CampaignState.SENT.value}}
        with translated():
            rows = self._collection.aggregate([sent, {"$group": {"_id": None, "capped": {"$sum": "$capped"}}}])
            found = await rows.to_list(None)
        return int(found[0]["capped"]) if found else 0

    async def begin(self, campaign: Campaign, *, at: datetime) -> bool:
        """See `Campaigns.begin`."""
        change = {"state": CampaignState.SENDING.value, "began_at": {"$ifNull": ["$began_at", at]}}
        wanted = {"_id": campaign.id, "state": {"$in": _OPEN}, "version": campaign.version}
        with translated():
            done = await self._collection.update_one(wanted, [{"$set": change}])
        return bool(done.matched_count)

    async def save(self, campaign: Campaign, *, seen: Campaign) -> Campaign:
        """See `Campaigns.save`."""
        saved = replace(campaign, version=seen.version + 1)
        wanted = {
            "_id": seen.id, "version": seen.version, "state": seen.state.value, "began_at": seen.began_at,
        }  # fmt: skip
        with translated():
            done = await self._collection.update_one(wanted, {"$set": _document(saved)})
        if not done.matched_count:
            raise Changed
        return saved

    async def count_test(self, id: str, *, limit: int) -> bool:
        """See `Campaigns.count_test`."""
        with translated():
            done = await self._collection.update_one(
                {"_id": id, "tests": {"$not": {"$gte": limit}}}, {"$inc": {"tests": 1}}
            )
        return bool(done.matched_count)

    async def end(self, id: str, *, capped: int) -> bool:
        """See `Campaigns.end`."""
        return await self._move(
            id, [CampaignState.SENDING.value], {"state": CampaignState.SENT.value, "capped": capped}
        )

    async def cancel(self, campaign: Campaign) -> bool:
        """See `Campaigns.cancel`."""
        return await self._move(
            campaign.id, [*_OPEN, CampaignState.PAUSED.value], {"state": CampaignState.CANCELLED.value}
        )

    async def _move(self, id: str, states: Sequence[str], change: Document) -> bool:
        with translated():
            done = await self._collection.update_one({"_id": id, "state": {"$in": list(states)}}, {"$set": change})
        return bool(done.matched_count)


def _document(campaign: Campaign) -> Document:
    return {
        "_id": campaign.id,
        "topic": campaign.topic,
        "content": {
            language: {"subject": content.subject, "markdown": content.markdown}
            for language, content in campaign.content.items()
        },
        "send_at": campaign.send_at,
        "not_after": campaign.not_after,
        "created_at": campaign.created_at,
        "created_by": campaign.created_by,
        "state": campaign.state.value,
        "capped": campaign.capped,
        "version": campaign.version,
        "edited_by": list(campaign.edited_by),
        "approved_by": campaign.approved_by,
        "began_at": campaign.began_at,
        "follow_up": None
        if campaign.follow_up is None
        else {
            "after_days": campaign.follow_up.after_days,
            "skus": list(campaign.follow_up.skus),
        },
    }


def _campaign(document: dict[str, Any]) -> Campaign:
    return Campaign(
        id=document["_id"],
        topic=document["topic"],
        content={language: Content(**content) for language, content in document["content"].items()},
        send_at=document["send_at"],
        not_after=document["not_after"],
        created_at=document["created_at"],
        created_by=document["created_by"],
        state=CampaignState(document["state"]),
        capped=document["capped"],
        version=document["version"],
        edited_by=tuple(document["edited_by"]),
        approved_by=document["approved_by"],
        began_at=document["began_at"],
        follow_up=_follow_up(document["follow_up"]),
    )


def _follow_up(document: dict[str, Any] | None) -> FollowUp | None:
    return None if document is None else FollowUp(document["after_days"], tuple(document["skus"]))
