"""Exports in MongoDB: collections `exports` and `export_parts`."""

from collections.abc import Sequence
from datetime import timedelta

from services.auth.mydata.domain import Export, Gathered, Part
from services.auth.refusals import ExportRunning
from services.auth.trail import pending as trail
from services.auth.trail.pending import Noted, NoteTaker
from shared.events import Event
from shared.mongo import Database, Document, DuplicateKey, Index, ensure_indexes, translated
from shared.outbox import INDEX, Announcer, pending

EXPORTS = "exports"
PARTS = "export_parts"
_WITHOUT_CARRIED = {"outbox": 0, "notes": 0}
SHOWN_EXPIRED_FOR = timedelta(days=7)
"""How long an export is still listed whose content is gone."""


async def ensure_export_indexes(database: Database) -> None:
    """One running export for each account; expiry; pending events and notes."""
    await ensure_indexes(
        database[EXPORTS],
        [
            Index("running", [("account_id", 1)], unique=True, partial={"running": True}),
            Index("account", [("account_id", 1), ("_id", -1)]),
            Index("expiry", [("kept_until", 1)], expire_after_s=0),
            INDEX,
            trail.INDEX,
        ],
    )
    await ensure_indexes(
        database[PARTS],
        [
            Index("export", [("export_id", 1), ("service", 1), ("number", 1)]),
            Index("account", [("account_id", 1)]),
            Index("expiry", [("expires_at", 1)], expire_after_s=0),
        ],
    )


class MongoExports:
    """`Exports` on a database handle; tells the relays of each write with events or notes."""

    def __init__(self, database: Database, relay: Announcer, note_taker: NoteTaker) -> None:
        self._exports = database[EXPORTS]
        self._parts = database[PARTS]
        self._relay = relay
        self._note_taker = note_taker

    async def add(self, export: Export, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> None:
        """See `Exports.add`."""
        document = {
            "_id": export.id,
            "account_id": export.account_id,
            "requested_at": export.requested_at,
            "expires_at": export.expires_at,
            "kept_until": export.expires_at,
            "ready_at": None,
            "running": True,
            "of": {service: each.parts for service, each in export.gathered.items()},
            "seen": {service: sorted(each.seen) for service, each in export.gathered.items()},
            "outbox": pending(events),
            "notes": trail.pending(notes),
        }
        try:
            with translated():
                await self._exports.insert_one(document)
        except DuplicateKey:
            raise ExportRunning from None
        self._relay.announce(EXPORTS, export.id, events)
        self._note_taker.take(EXPORTS, export.id, notes)

    async def find(self, account_id: str, export_id: str) -> Export | None:
        """See `Exports.find`."""
        with translated():
            document = await self._exports.find_one({"_id": export_id, "account_id": account_id}, _WITHOUT_CARRIED)
        return None if document is None else _export(document)

    async def of_account(self, account_id: str) -> list[Export]:
        """See `Exports.of_account`."""
        with translated():
            found = self._exports.find({"account_id": account_id}, _WITHOUT_CARRIED).sort("_id", -1)
            return [_export(document) for document in await found.to_list(None)]

    async def put(self, export: Export, part: Part) -> None:
        """See `Exports.put`."""
        document = {
            "export_id": export.id,
            "account_id": export.account_id,
            "service": part.service,
            "number": part.number,
            "box": part.box,
            "expires_at": export.expires_at,
        }
        with translated():
            await self._parts.replace_one({"_id": f"{export.id}:{part.service}:{part.number}"}, document, upsert=True)

    async def parts(self, export_id: str) -> list[Part]:
        """See `Exports.parts`."""
        with translated():
            found = self._parts.find({"export_id": export_id}).sort([("service", 1), ("number", 1)])
            documents = await found.to_list(None)
        return [Part(each["service"], each["number"], bytes(each["box"])) for each in documents]

    async def note(self, export_id: str, service: str, *, part: int, of: int) -> Export | None:
        """See `Exports.note`."""
        change = {"$addToSet": {f"seen.{service}": part}, "$set": {f"of.{service}": of}}
        with translated():
            document: Document | None = await self._exports.find_one_and_update(
                {"_id": export_id}, change, projection=_WITHOUT_CARRIED, return_document=True
            )
        return None if document is None else _export(document)

    async def finish(self, export: Export, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> bool:
        """See `Exports.finish`; first the parts' time, so that none outlives it whoever dies between the two."""
        change = {
            "$set": {
                "ready_at": export.ready_at,
                "expires_at": export.expires_at,
                "kept_until": export.expires_at + SHOWN_EXPIRED_FOR,
            },
            "$unset": {"running": 1},
            "$push": {"outbox": {"$each": pending(events)}} | trail.pushed(notes),
        }
        with translated():
            await self._parts.update_many({"export_id": export.id}, {"$set": {"expires_at": export.expires_at}})
            done = await self._exports.update_one({"_id": export.id, "ready_at": None}, change)
        if done.matched_count:
            self._relay.announce(EXPORTS, export.id, events)
            self._note_taker.take(EXPORTS, export.id, notes)
        return bool(done.matched_count)

    async def drop(self, account_id: str) -> int:
        """See `Exports.drop`."""
        with translated():
            done = await self._exports.delete_many({"account_id": account_id, **trail.NONE_LEFT})
            await self._parts.delete_many({"account_id": account_id})
        return int(done.deleted_count)


def _export(document: Document) -> Export:
    seen = document["seen"]
    return Export(
        id=document["_id"],
        account_id=document["account_id"],
        requested_at=document["requested_at"],
        expires_at=document["expires_at"],
        gathered={name: Gathered(of, frozenset(seen.get(name, ()))) for name, of in document["of"].items()},
        ready_at=document["ready_at"],
    )
