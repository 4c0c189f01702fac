"""Sessions and remembered browsers in MongoDB; each document leaves by itself when its time is over."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.auth.sessions.domain import ABSOLUTE, Session
from services.auth.sessions.remembered import RememberedBrowser
from services.auth.trail import pending as trail
from services.auth.trail.pending import Noted, NoteTaker
from shared.events import Event
from shared.gather import GatheredWriter
from shared.mongo import (
    Collection,
    Database,
    Document,
    DuplicateKey,
    Index,
    bulk_write,
    ensure_indexes,
    translated,
    update,
)
from shared.outbox import INDEX, Announcer, pending
from shared.reads import GatheredReader

SESSIONS = "sessions"
REMEMBERED = "remembered"
_SESSION_FIELDS = {
    "_id": 1, "id": 1, "account_id": 1, "roles": 1, "confirmed_at": 1, "device": 1,
    "created_at": 1, "seen_at": 1, "series": 1, "ended_at": 1,
}  # fmt: skip
_WITHOUT_CARRIED = {"outbox": 0, "notes": 0}
_LIVE = {"ended_at": {"$exists": False}}
_AFTER = True  # ReturnDocument.AFTER
_PACE_S = 0.002
"""Between two queries for sessions, where many ask: a tenth of what a request takes then, and half of their cost."""
_ENDED_KEPT_S = 24 * 3600
"""How long an ended session stays: by then its notes are long in the trail, whoever was away."""


async def ensure_session_indexes(database: Database) -> None:
    """An account's sessions and series; expiry; pending events and notes."""
    expiry = Index("expiry", [("expires_at", 1)], expire_after_s=0)
    await ensure_indexes(
        database[SESSIONS],
        [
            Index("account", [("account_id", 1), ("seen_at", -1)]),
            Index("series", [("series", 1)], partial={"series": {"$exists": True}}),
            expiry,
            Index("ended", [("ended_at", 1)], expire_after_s=_ENDED_KEPT_S),
            trail.INDEX,
        ],
    )
    await ensure_indexes(database[REMEMBERED], [Index("account", [("account_id", 1)]), expiry, INDEX, trail.INDEX])


class MongoSessions:
    """`Sessions` on a database handle: `_id` is the hash of the token."""

    def __init__(self, database: Database, note_taker: NoteTaker) -> None:
        self._collection = database[SESSIONS]
        self._note_taker = note_taker
        self._writer = GatheredWriter(self._collection)
        self._reader = GatheredReader(self._collection, _SESSION_FIELDS, pace_s=_PACE_S)

    async def find(self, key: bytes) -> Session | None:
        """See `Sessions.find`."""
        document = await self._reader.find(key)
        return None if document is None or "ended_at" in document else _session(document)

    async def find_by_id(self, account_id: str, session_id: str) -> Session | None:
        """See `Sessions.find_by_id`."""
        return await self._find({"account_id": account_id, "id": session_id})

    async def of_account(self, account_id: str) -> list[Session]:
        """See `Sessions.of_account`."""
        with translated():
            found = self._collection.find({"account_id": account_id, **_LIVE}, _SESSION_FIELDS).sort("seen_at", -1)
            return [_session(document) for document in await found.to_list(None)]

    async def add(self, session: Session, *, notes: Sequence[Noted] = ()) -> None:
        """See `Sessions.add`."""
        document: Document = {
            "_id": session.key,
            "id": session.id,
            "account_id": session.account_id,
            "roles": sorted(session.roles),
            "confirmed_at": session.confirmed_at,
            "device": session.device,
            "created_at": session.created_at,
            "seen_at": session.seen_at,
            "expires_at": session.created_at + ABSOLUTE,
        }
        if session.series is not None:
            document["series"] = session.series
        if notes:
            document["notes"] = trail.pending(notes)
        try:
            await self._writer.insert(document)
        except DuplicateKey:
            return
        self._note_taker.take(SESSIONS, session.key, notes)

    async def end(self, key: bytes, *, at: datetime, notes: Sequence[Noted] = ()) -> bool:
        """See `Sessions.end`."""
        with translated():
            done = await self._collection.update_one({"_id": key, **_LIVE}, _ended(at, notes))
        if done.matched_count:
            self._note_taker.take(SESSIONS, key, notes)
        return bool(done.matched_count)

    async def end_series(self, series: str, *, at: datetime, keep: bytes | None = None) -> None:
        """See `Sessions.end_series`."""
        with translated():
            await self._collection.update_many({"series": series, "_id": {"$ne": keep}, **_LIVE}, _ended(at))

    async def end_account(
        self, account_id: str, *, at: datetime, keep: bytes | None = None, notes: Sequence[Noted] = ()
    ) -> None:
        """See `Sessions.end_account`."""
        wanted = {"account_id": account_id, "_id": {"$ne": keep}, **_LIVE}
        await _end_each(self._collection, wanted, _ended(at, notes), notes, self._note_taker)

    async def forget_account(self, account_id: str) -> None:
        """See `Sessions.forget_account`."""
        with translated():
            await self._collection.delete_many(
                {"account_id": account_id, "ended_at": {"$exists": True}, **trail.NONE_LEFT}
            )

    async def confirm(self, key: bytes, *, at: datetime, notes: Sequence[Noted] = ()) -> bool:
        """See `Sessions.confirm`."""
        change: Document = {"$max": {"confirmed_at": at}}
        if notes:
            change["$push"] = trail.pushed(notes)
        with translated():
            done = await self._collection.update_one({"_id": key, **_LIVE}, change)
        if done.matched_count:
            self._note_taker.take(SESSIONS, key, notes)
        return bool(done.matched_count)

    async def mark_seen(self, seen: Sequence[tuple[bytes, datetime]]) -> None:
        """See `Sessions.mark_seen`."""
        await bulk_write(self._collection, [update({"_id": key}, {"$max": {"seen_at": at}}) for key, at in seen])

    async def _find(self, wanted: Mapping[str, Any]) -> Session | None:
        with translated():
            document = await self._collection.find_one({**wanted, **_LIVE}, _SESSION_FIELDS)
        return None if document is None else _session(document)


class MongoRememberedBrowsers:
    """`RememberedBrowsers` on a database handle; tells the relays of each write with events or notes."""

    def __init__(self, database: Database, relay: Announcer, note_taker: NoteTaker) -> None:
        self._collection = database[REMEMBERED]
        self._relay = relay
        self._note_taker = note_taker

    async def find(self, series: str) -> RememberedBrowser | None:
        """See `RememberedBrowsers.find`."""
        with translated():
            document = await self._collection.find_one({"_id": series}, _WITHOUT_CARRIED)
        return None if document is None else _browser(document)

    async def of_account(self, account_id: str) -> list[RememberedBrowser]:
        """See `RememberedBrowsers.of_account`."""
        with translated():
            found = self._collection.find({"account_id": account_id}, _WITHOUT_CARRIED).sort("created_at", -1)
            return [_browser(document) for document in await found.to_list(None)]

    async def add(self, browser: RememberedBrowser) -> None:
        """See `RememberedBrowsers.add`."""
        with translated():
            await self._collection.insert_one({"_id": browser.id, **_fields(browser), "outbox": []})

    async def rotate(self, rotated: RememberedBrowser) -> RememberedBrowser | None:
        """See `RememberedBrowsers.rotate`.

        One command that changes or not, and always answers with what is there: a read after a failed condition
        could still see the state before the majority had the change.
        """
        may = {"$and": [{"$eq": ["$current", {"$literal": rotated.former}]}, {"$eq": ["$ended_at", None]}]}
        change = {
            name: {"$cond": [may, {"$literal": value}, f"${name}"]}
            for name, value in _fields(rotated).items()
            if name not in ("account_id", "device", "created_at", "ended_at")
        }
        with translated():
            document: Document | None = await self._collection.find_one_and_update(
                {"_id": rotated.id}, [{"$set": change}], projection=_WITHOUT_CARRIED, return_document=_AFTER
            )
        return None if document is None else _browser(document)

    async def end(self, series: str, events: Sequence[Event], *, at: datetime, notes: Sequence[Noted] = ()) -> bool:
        """See `RememberedBrowsers.end`."""
        carried = {"outbox": {"$each": pending(events)}} | trail.pushed(notes)
        change = {"$set": {"ended_at": at}, "$push": carried}
        with translated():
            done = await self._collection.update_one({"_id": series, "ended_at": None}, change)
        if done.matched_count:
            self._relay.announce(REMEMBERED, series, events)
            self._note_taker.take(REMEMBERED, series, notes)
        return bool(done.matched_count)

    async def end_account(
        self, account_id: str, *, at: datetime, keep: str | None = None, notes: Sequence[Noted] = ()
    ) -> None:
        """See `RememberedBrowsers.end_account`."""
        wanted = {"account_id": account_id, "ended_at": None, "_id": {"$ne": keep}}
        await _end_each(self._collection, wanted, _ended(at, notes), notes, self._note_taker)

    async def forget_account(self, account_id: str) -> None:
        """See `RememberedBrowsers.forget_account`."""
        with translated():
            await self._collection.delete_many(
                {"account_id": account_id, "outbox.0": {"$exists": False}, **trail.NONE_LEFT}
            )


async def _end_each(
    collection: Collection,
    wanted: Mapping[str, Any],
    change: Mapping[str, Any],
    notes: Sequence[Noted],
    note_taker: NoteTaker,
) -> None:
    """End several documents, each in a write of its own that carries these notes.

    The relay hears of those that were there before. One that came in between is ended too, and left to the sweep.
    """
    with translated():
        ids = [document["_id"] async for document in collection.find(wanted, {"_id": 1})] if notes else []
        done = await collection.update_many(wanted, change)
    if done.modified_count:
        for document_id in ids:
            note_taker.take(collection.name, document_id, notes)


def _ended(at: datetime, notes: Sequence[Noted] = ()) -> Document:
    """The change that ends a session or a series."""
    change: Document = {"$set": {"ended_at": at}}
    return change | ({"$push": trail.pushed(notes)} if notes else {})


def _session(document: Document) -> Session:
    return Session(
        key=bytes(document["_id"]),
        id=document["id"],
        account_id=document["account_id"],
        roles=frozenset(document["roles"]),
        confirmed_at=document["confirmed_at"],
        device=document["device"],
        created_at=document["created_at"],
        seen_at=document["seen_at"],
        series=document.get("series"),
    )


def _fields(browser: RememberedBrowser) -> Document:
    return {
        "account_id": browser.account_id,
        "device": browser.device,
        "current": browser.current,
        "former": browser.former,
        "handover": browser.handover,
        "created_at": browser.created_at,
        "rotated_at": browser.rotated_at,
        "expires_at": browser.expires_at,
        "ended_at": browser.ended_at,
    }


def _browser(document: Document) -> RememberedBrowser:
    former, handover = document["former"], document["handover"]
    return RememberedBrowser(
        id=document["_id"],
        account_id=document["account_id"],
        device=document["device"],
        current=bytes(document["current"]),
        former=None if former is None else bytes(former),
        handover=None if handover is None else bytes(handover),
        created_at=document["created_at"],
        rotated_at=document["rotated_at"],
        expires_at=document["expires_at"],
        ended_at=document["ended_at"],
    )
