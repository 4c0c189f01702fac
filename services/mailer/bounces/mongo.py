"""What came back, in MongoDB: `issues[].returned` of the subscriber's document, `{kind, status, at}`."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.mailer.bounces.reading import Kind
from services.mailer.bounces.store import LOOKED_AT, Noted, Return
from services.mailer.bounces.tags import Stream, mark_of
from services.mailer.subscribers import COLLECTION
from shared.errors import TransientError
from shared.mongo import Database, Document, translated

_SEEN = {"issues": 1, "live.campaign": 1, "consent.confirmed_at": 1}
_AFTER_HEX = "g"


class MongoReturns:
    """`Returns` on a database handle."""

    def __init__(self, database: Database) -> None:
        self._collection = database[COLLECTION]

    async def note(self, back: Return) -> Noted | None:
        """See `Returns.note`."""
        with translated():
            document = await self._collection.find_one(_whose(back), _SEEN)
        if document is None:
            return None
        if back.tag.stream is Stream.SERVICE:
            return Noted(document["_id"], is_over=_is_over(document, back.tag.written_at))
        if not back.tag.mark:
            return Noted(document["_id"])
        return await self._note_with_copy(document, back)

    async def _note_with_copy(self, document: Document, back: Return) -> Noted | None:
        campaign_id = next(
            (each["campaign"] for each in _issues(document) if mark_of(each["campaign"]) == back.tag.mark), ""
        )
        if not campaign_id:
            live = document.get("live", {}).get("campaign", "")
            if live and mark_of(live) == back.tag.mark:
                raise TransientError("what became of the copy is not stored yet")
            return None
        returned = {"kind": back.kind.value, "status": back.status, "at": back.at}
        copy = {"campaign": campaign_id, **_says_less(back.kind)}
        with translated():
            after = await self._collection.find_one_and_update(
                {"_id": document["_id"], "issues": {"$elemMatch": copy}},
                {"$set": {"issues.$.returned": returned}},
                projection=_SEEN,
                return_document=True,
            )
        return _noted(after or document, campaign_id, is_new=after is not None)

    async def counts(self, campaign_id: str) -> Mapping[Kind, int]:
        """See `Returns.counts`."""
        wanted = [
            {
                "issues": {"$elemMatch": {"campaign": campaign_id, "returned.kind": kind.value}},
                "issues.returned.kind": {"$exists": True},  # so that the partial index is used
            }
            for kind in Kind
        ]
        with translated():
            found = await asyncio.gather(*(self._collection.count_documents(each) for each in wanted))
        return dict(zip(Kind, map(int, found), strict=True))


def _whose(back: Return) -> Document:
    if back.tag.stream is Stream.SERVICE:
        return {"address_key": {"$gte": back.tag.id, "$lt": back.tag.id + _AFTER_HEX}}
    return {"_id": back.tag.id}


def _says_less(kind: Kind) -> Document:
    """The condition that what is noted of a copy says less than this."""
    if kind is Kind.SOFT:
        return {"returned": None}
    worse = [each.value for each in Kind if each is not Kind.SOFT]
    return {"returned.kind": {"$not": {"$in": worse}}}


def _issues(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(document.get("issues", ()))


def _noted(document: Mapping[str, Any], campaign_id: str, *, is_new: bool) -> Noted:
    issues = _issues(document)
    sent_at = next((each["at"] for each in issues if each["campaign"] == campaign_id), None)
    soft = sum(each.get("returned", {}).get("kind") == Kind.SOFT.value for each in issues[-LOOKED_AT:])
    return Noted(document["_id"], campaign_id, is_new, soft, _is_over(document, sent_at))


def _is_over(document: Mapping[str, Any], sent_at: datetime | None) -> bool:
    confirmed_at = document.get("consent", {}).get("confirmed_at")
    return bool(sent_at and confirmed_at and sent_at < confirmed_at)
