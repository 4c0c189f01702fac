"""Notices in MongoDB: collection `notices`, `_id` is the natural key.

`due_at` is there while something is still to be done and nobody is at it; `owner` while somebody is.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.mailer.notices.domain import Notice, NoticeState
from shared.gather import GatheredWriter
from shared.ids import new_token
from shared.mongo import Database, Document, DuplicateKey, Index, ensure_indexes, translated

COLLECTION = "notices"


async def ensure_notice_indexes(database: Database) -> None:
    """What is due, and what somebody holds."""
    await ensure_indexes(
        database[COLLECTION],
        [
            Index("due", [("due_at", 1)], partial={"due_at": {"$exists": True}}),
            Index("address", [("address_key", 1)], partial={"address_key": {"$exists": True}}),
            Index("owner", [("owner", 1)], partial={"owner": {"$exists": True}}),
        ],
    )


class MongoNotices:
    """`Notices` on a database handle."""

    def __init__(self, database: Database) -> None:
        self._collection = database[COLLECTION]
        self._writer = GatheredWriter(self._collection)

    async def add(self, notice: Notice) -> bool:
        """See `Notices.add`; callers that arrive together share one write."""
        try:
            await self._writer.insert(_document(notice))
        except DuplicateKey:
            return False
        return True

    async def claim(self, owner: str, *, at: datetime, limit: int) -> list[Notice]:
        """See `Notices.claim`: one conditional write over all that are due, then one read of who got which."""
        is_due = {"due_at": {"$lte": at}}
        mark = new_token(9)
        with translated():
            found = await self._collection.find(is_due, {"_id": 1}).sort("due_at", 1).limit(limit).to_list(None)
            if not found:
                return []
            ids = [document["_id"] for document in found]
            held = {"state": NoticeState.CLAIMED.value, "owner": owner, "claim": mark, "held_at": at}
            await self._collection.update_many({"_id": {"$in": ids}} | is_due, {"$set": held, "$unset": {"due_at": 1}})
            mine = await self._collection.find({"_id": {"$in": ids}, "claim": mark}).to_list(None)
        return [_notice(document) for document in mine]

    async def mark_dot(self, ids: Sequence[str], owner: str) -> set[str]:
        """See `Notices.mark_dot`."""
        mark = new_token(9)
        wanted = {"_id": {"$in": list(ids)}, "owner": owner, "state": NoticeState.CLAIMED.value}
        change = {"$set": {"state": NoticeState.DOT.value, "mark": mark}, "$inc": {"dots": 1}}
        with translated():
            done = await self._collection.update_many(wanted, change)
            if done.matched_count == len(ids):
                return set(ids)
            found = await self._collection.find({"_id": {"$in": list(ids)}, "mark": mark}, {"_id": 1}).to_list(None)
        return {document["_id"] for document in found}

    async def settle(self, notice: Notice, owner: str) -> bool:
        """See `Notices.settle`."""
        kept: Document = {"state": notice.state.value, "attempts": notice.attempts, "dots": notice.dots}
        dropped = {"owner": 1, "claim": 1, "mark": 1, "held_at": 1}
        if notice.due_at is not None:
            kept["due_at"] = notice.due_at
        if notice.state.is_final:
            dropped |= {"content": 1, "person": 1}
        return await self._writer.update({"_id": notice.id, "owner": owner}, {"$set": kept, "$unset": dropped})

    async def due(self, at: datetime) -> bool:
        """See `Notices.due`."""
        with translated():
            return await self._collection.find_one({"due_at": {"$lte": at}}, {"_id": 1}) is not None

    async def waiting(self) -> tuple[int, datetime | None]:
        """See `Notices.waiting`."""
        theirs = {"due_at": {"$exists": True}}
        with translated():
            count = await self._collection.count_documents(theirs)
            oldest = await self._collection.find_one(theirs, {"created_at": 1}, sort=[("created_at", 1)])
        return int(count), oldest["created_at"] if oldest else None

    async def orphans(self, dead: Sequence[str], *, before: datetime) -> list[tuple[Notice, str]]:
        """See `Notices.orphans`."""
        lost = [{"owner": {"$in": list(dead)}}, {"owner": {"$exists": True}, "held_at": {"$lt": before}}]
        with translated():
            found = await self._collection.find({"$or": lost}).limit(1000).to_list(None)
        return [(_notice(document), document["owner"]) for document in found]

    async def of_address(self, address_key: str) -> list[Notice]:
        """See `Notices.of_address`."""
        with translated():
            found = self._collection.find({"address_key": address_key}).sort("created_at", 1)
            return [_notice(document) for document in await found.to_list(None)]

    async def forget_address(self, address_key: str, *, until: datetime) -> None:
        """See `Notices.forget_address`."""
        theirs = {"address_key": address_key, "created_at": {"$lte": until}}
        with translated():
            await self._collection.update_many(theirs, {"$unset": {"address_key": 1}})

    async def find(self, id: str) -> Notice | None:
        """See `Notices.find`."""
        with translated():
            document = await self._collection.find_one({"_id": id})
        return None if document is None else _notice(document)


def _document(notice: Notice) -> Document:
    return {
        "_id": notice.id,
        "template": notice.template,
        "language": notice.language,
        "content": notice.content,
        "person": notice.person_id,
        "created_at": notice.created_at,
        "expires_at": notice.expires_at,
        "state": notice.state.value,
        "attempts": notice.attempts,
        "dots": notice.dots,
        **({"due_at": notice.due_at} if notice.due_at else {}),
        **({"address_key": notice.address_key} if notice.address_key else {}),
        **({"traceparent": notice.traceparent} if notice.traceparent else {}),
    }


def _notice(document: Mapping[str, Any]) -> Notice:
    return Notice(
        id=document["_id"],
        template=document["template"],
        language=document["language"],
        content=bytes(document.get("content", b"")),
        person_id=document.get("person", ""),
        created_at=document["created_at"],
        expires_at=document["expires_at"],
        state=NoticeState(document["state"]),
        due_at=document.get("due_at"),
        attempts=document["attempts"],
        dots=document["dots"],
        address_key=document.get("address_key", ""),
        traceparent=document.get("traceparent", ""),
    )
