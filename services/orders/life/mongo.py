"""Orders in MongoDB, one document each: what was bought, by whom (sealed), how it stands, which events still wait."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.orders.life.documents import belonging, changing, document_of, order_of
from services.orders.life.domain import Order, OrderNotFound
from services.orders.life.parcel import SerialTaken
from services.orders.life.steps import PLACED, Status
from services.orders.life.store import COLLECTION, EVERY, Filter, KeyTaken
from shared.errors import TransientError
from shared.events import Event
from shared.gather import GatheredWriter
from shared.mongo import Database, Document, DuplicateKey, Index, translated
from shared.outbox import FIELD as OUTBOX
from shared.outbox import pending

_KEY_INDEX = "attempt_key"
_SERIAL_INDEX = "serial"
_SERIAL = "shipment.serials.serial"
_UNFINISHED = {"unfinished": True}
_ATTENTION = {"attention": True}

INDEXES = (
    Index(_KEY_INDEX, [("attempt.key", 1)], unique=True),
    Index("number", [("number", 1)], unique=True),
    Index("status", [("status", 1), ("_id", 1)]),
    Index("account", [("account_id", 1), ("_id", -1)], partial={"account_id": {"$gt": ""}}),
    Index("unfinished", [("unfinished", 1), ("_id", 1)], partial=_UNFINISHED),
    Index("attention", [("attention", 1), ("_id", -1)], partial=_ATTENTION),
    Index("contact", [("contact_key", 1), ("_id", -1)], partial={"contact_key": {"$exists": True}}),
    Index(_SERIAL_INDEX, [(_SERIAL, 1)], unique=True, partial={_SERIAL: {"$exists": True}}),
)


class MongoOrders:
    """`Orders` on a database; one for each process."""

    def __init__(self, database: Database) -> None:
        self._orders = database[COLLECTION]
        self._writer = GatheredWriter(self._orders)

    async def add(self, order: Order) -> None:
        """See `Orders.add`."""
        try:
            await self._writer.insert(document_of(order))
        except DuplicateKey as error:
            if error.index == _KEY_INDEX:
                raise KeyTaken from None
            # 60 random bits met again: the next try draws another number.
            raise TransientError("order number taken", retry_after_s=1) from None

    async def save(self, order: Order, events: Sequence[Event] = ()) -> Order | None:
        """See `Orders.save`."""
        return await self._change(order, {"$set": changing(order)}, events)

    async def claim(self, order: Order, events: Sequence[Event]) -> Order | None:
        """See `Orders.claim`."""
        change: Document = {"$set": changing(order) | belonging(order), "$unset": {"contact_key": ""}}
        return await self._change(replace(order, contact_key=""), change, events)

    async def _change(self, order: Order, change: Document, events: Sequence[Event]) -> Order | None:
        change["$inc"] = {"version": 1}
        if events:
            change["$push"] = {OUTBOX: {"$each": pending(events)}}
        try:
            saved = await self._writer.update({"_id": order.id, "version": order.version}, change)
        except DuplicateKey as error:
            if error.index == _SERIAL_INDEX:
                raise SerialTaken from None
            raise
        return replace(order, version=order.version + 1) if saved else None

    async def withdraw(self, order_id: str) -> None:
        """See `Orders.withdraw`."""
        with translated():
            await self._orders.delete_one({"_id": order_id, "status": Status.CHARGING.value})

    async def get(self, order_id: str) -> Order:
        """See `Orders.get`."""
        order = await self.find(order_id)
        if order is None:
            raise OrderNotFound
        return order

    async def find(self, order_id: str) -> Order | None:
        """See `Orders.find`."""
        return await self._find_one({"_id": order_id})

    async def find_by_key(self, key: str) -> Order | None:
        """See `Orders.find_by_key`."""
        return await self._find_one({"attempt.key": key})

    async def statuses(self, order_ids: Collection[str]) -> Mapping[str, Status]:
        """See `Orders.statuses`."""
        with translated():
            found = await self._orders.find({"_id": {"$in": list(order_ids)}}, {"status": 1}).to_list(None)
        return {document["_id"]: Status(document["status"]) for document in found}

    async def standing_since(
        self, status: Status, moment: datetime, *, limit: int, behind: str = ""
    ) -> Sequence[Order]:
        """See `Orders.standing_since`."""
        wanted = {"status": status.value, "created_at": {"$lt": moment}, "_id": {"$gt": behind}}
        return await self._list(wanted, order=1, limit=limit)

    async def unfinished(self, *, limit: int, behind: str = "") -> Sequence[Order]:
        """See `Orders.unfinished`."""
        return await self._list(_UNFINISHED | {"_id": {"$gt": behind}}, order=1, limit=limit)

    async def of_guest(self, contact_key: str, *, limit: int) -> Sequence[Order]:
        """See `Orders.of_guest`."""
        theirs = {"contact_key": {"$eq": contact_key, "$exists": True}, "history.status": {"$in": sorted(PLACED)}}
        return await self._list(theirs, order=-1, limit=limit)

    async def of_account(self, account_id: str, *, before: str, limit: int) -> Sequence[Order]:
        """See `Orders.of_account`."""
        theirs = {"account_id": account_id, "status": {"$ne": Status.FAILED.value}}
        return await self._list(theirs | _behind(before), order=-1, limit=limit)

    async def every_of_account(self, account_id: str, *, before: str, limit: int) -> Sequence[Order]:
        """See `Orders.every_of_account`."""
        return await self._list(_theirs(account_id) | _behind(before), order=-1, limit=limit)

    async def count_of_account(self, account_id: str) -> int:
        """See `Orders.count_of_account`."""
        with translated():
            return int(await self._orders.count_documents(_theirs(account_id)))

    async def forget_cards(self, account_id: str) -> None:
        """See `Orders.forget_cards`."""
        with translated():
            await self._orders.update_many(_theirs(account_id), {"$set": {"card_fingerprint": "", "marks": {}}})

    async def newest(self, *, before: str, limit: int, only: Filter = EVERY) -> Sequence[Order]:
        """See `Orders.newest`."""
        wanted: Document = {"number": only.number} if only.number else {}
        if only.status is not None:
            wanted["status"] = only.status.value
        if only.needs_attention:
            wanted |= _ATTENTION
        return await self._list(wanted | _behind(before), order=-1, limit=limit)

    async def counts(self) -> Mapping[Status, int]:
        """See `Orders.counts`."""
        with translated():
            counted = await asyncio.gather(
                *(self._orders.count_documents({"status": status.value}) for status in Status)
            )
        return dict(zip(Status, counted, strict=True))

    async def _find_one(self, wanted: Document) -> Order | None:
        with translated():
            document = await self._orders.find_one(wanted, {"outbox": 0})
        return None if document is None else order_of(document)

    async def _list(self, wanted: Document, *, order: int, limit: int) -> list[Order]:
        with translated():
            documents = await self._orders.find(wanted, {"outbox": 0}).sort("_id", order).limit(limit).to_list(None)
        return [order_of(document) for document in documents]


def _theirs(account_id: str) -> Document:
    # A guest's orders have no account, and are nobody's by it; the index covers the others alone.
    return {"account_id": {"$eq": account_id, "$gt": ""}}


def _behind(order_id: str) -> Document:
    return {"_id": {"$lt": order_id}} if order_id else {}
