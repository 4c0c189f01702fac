"""Claims in MongoDB: collection `claims`, one document each, with the events that wait to be published."""

from collections.abc import Sequence
from datetime import datetime

from services.warranty.claims import figures
from services.warranty.claims.access_store import COLLECTION as ACCESSES
from services.warranty.claims.deadlines import Due
from services.warranty.claims.documents import changing, claim_of, document_of, split
from services.warranty.claims.domain import Claim, ClaimOpen
from services.warranty.claims.steps import Status
from services.warranty.claims.store import COLLECTION, Figures, QueuePosition
from shared.errors import TransientError
from shared.events import Event
from shared.mongo import Database, Document, DuplicateKey, Index, ensure_indexes, translated
from shared.outbox import FIELD as OUTBOX
from shared.outbox import INDEX as PENDING
from shared.outbox import Announcer, pending

_OPEN_INDEX = "open"
_THERE = {"$exists": True}
_GONE = ("holder_key", "person_id", "words", "contact")
INDEXES = (
    Index(_OPEN_INDEX, [("open", 1)], unique=True, partial={"open": _THERE}),
    Index("number", [("number", 1)], unique=True),
    Index("holder", [("holder_key", 1), ("_id", -1)], partial={"holder_key": _THERE}),
    Index("purchase", [("item.purchase_id", 1), ("_id", 1)]),
    Index("queue", [("queue_at", 1), ("_id", 1)], partial={"queue_at": _THERE}),
    Index("status", [("status", 1), ("clock.resolve_by", 1), ("_id", 1)]),
    Index("look", [("look_at", 1)], partial={"look_at": _THERE}),
    *figures.INDEXES,
    PENDING,
)


async def ensure_claim_indexes(database: Database) -> None:
    """Of claims, and of what is kept of who has read them."""
    await ensure_indexes(database[COLLECTION], INDEXES)
    await ensure_indexes(database[ACCESSES], [PENDING])


class MongoClaims:
    """`Claims` on a database; tells the relay of each event."""

    def __init__(self, database: Database, relay: Announcer) -> None:
        self._claims = database[COLLECTION]
        self._relay = relay

    async def add(self, claim: Claim, events: Sequence[Event]) -> None:
        """See `Claims.add`."""
        document, _ = split(document_of(claim))
        document[OUTBOX] = pending(events)
        try:
            with translated():
                await self._claims.insert_one(document)
        except DuplicateKey as error:
            if error.index == _OPEN_INDEX:
                raise ClaimOpen from None
            # 40 random bits met again: the next try draws another number.
            raise TransientError("claim number taken", retry_after_s=1) from None
        self._relay.announce(COLLECTION, claim.id, events)

    async def save(self, claim: Claim, events: Sequence[Event]) -> Claim | None:
        """See `Claims.save`."""
        fields, gone = split(changing(claim))
        del fields["version"]
        change: Document = {"$set": fields, "$inc": {"version": 1}}
        if gone:
            change["$unset"] = gone
        if events:
            change["$push"] = {OUTBOX: {"$each": pending(events)}}
        with translated():
            done = await self._claims.update_one({"_id": claim.id, "version": claim.version}, change)
        if not done.matched_count:
            return None
        self._relay.announce(COLLECTION, claim.id, events)
        return await self.find(claim.id)

    async def find(self, claim_id: str) -> Claim | None:
        """See `Claims.find`."""
        with translated():
            document = await self._claims.find_one({"_id": claim_id}, {OUTBOX: 0})
        return None if document is None else claim_of(document)

    async def of_number(self, number: str) -> Claim | None:
        """See `Claims.of_number`."""
        with translated():
            document = await self._claims.find_one({"number": {"$eq": number}}, {OUTBOX: 0})
        return None if document is None else claim_of(document)

    async def of_holder(self, holder_key: str, *, before: str, limit: int) -> list[Claim]:
        """See `Claims.of_holder`."""
        wanted: Document = {"holder_key": holder_key}
        if before:
            wanted["_id"] = {"$lt": before}
        return await self._list(wanted, [("_id", -1)], limit)

    async def of_purchase(self, purchase_id: str) -> list[Claim]:
        """See `Claims.of_purchase`."""
        return await self._list({"item.purchase_id": purchase_id}, [("_id", 1)], 1000)

    async def count_earlier(self, holder_key: str, purchase_id: str, *, most: int) -> int:
        """See `Claims.count_earlier`."""
        either: list[Document] = [{"item.purchase_id": purchase_id}]
        if holder_key:
            either.append({"holder_key": holder_key})
        with translated():
            return int(await self._claims.count_documents({"$or": either}, limit=most))

    async def oldest(self, *, behind: str, limit: int) -> list[Claim]:
        """See `Claims.oldest`."""
        return await self._list({"_id": {"$gt": behind}} if behind else {}, [("_id", 1)], limit)

    async def queue(self, *, after: QueuePosition | None, limit: int, status: Status | None = None) -> list[Claim]:
        """See `Claims.queue`."""
        due = "queue_at" if status is None else "clock.resolve_by"
        wanted: Document = {"queue_at": _THERE} if status is None else {"status": status.value}
        if after is not None:
            behind: list[Document] = [{due: {"$gt": after.due_at}}, {due: after.due_at, "_id": {"$gt": after.id}}]
            wanted["$or"] = behind
        return await self._list(wanted, [(due, 1), ("_id", 1)], limit)

    async def due(self, moment: datetime, *, limit: int) -> list[Claim]:
        """See `Claims.due`."""
        return await self._list({"look_at": {"$lte": moment}}, [("look_at", 1)], limit)

    async def figures(self, since: datetime) -> Figures:
        """See `Claims.figures`."""
        return await figures.figures_of(self._claims, since)

    async def by_deadline(self, now: datetime) -> dict[tuple[str, Due], int]:
        """See `Claims.by_deadline`."""
        return await figures.deadlines_of(self._claims, now)

    async def count_of_holder(self, holder_key: str) -> int:
        """See `Claims.count_of_holder`."""
        with translated():
            return int(await self._claims.count_documents({"holder_key": holder_key}))

    async def hand_over(self, holder_key: str, claims: Sequence[Claim]) -> None:
        """See `Claims.hand_over`."""
        for claim in claims:
            fields, _ = split(changing(claim))
            del fields["version"]
            owner = {"holder_key": holder_key, "person_id": claim.person_id}
            change: Document = {"$set": fields | owner, "$inc": {"version": 1}}
            with translated():
                done = await self._claims.update_one({"_id": claim.id, "version": claim.version}, change)
            if not done.matched_count:
                raise TransientError("a claim is being changed", retry_after_s=1)

    async def forget(self, holder_key: str) -> None:
        """See `Claims.forget`."""
        gone: Document = dict.fromkeys(_GONE, "")
        blanked: Document = {
            "messages.$[].text": b"", "history.$[].note": b"", "repair.diagnosis": b"", "photos": [],
            "is_forgotten": True,
        }  # fmt: skip
        change: Document = {"$unset": gone, "$set": blanked, "$inc": {"version": 1}}
        with translated():
            await self._claims.update_many({"holder_key": holder_key}, change)

    async def _list(self, wanted: Document, order: list[tuple[str, int]], limit: int) -> list[Claim]:
        with translated():
            documents = await self._claims.find(wanted, {OUTBOX: 0}).sort(order).limit(limit).to_list(None)
        return [claim_of(document) for document in documents]
