"""Purchase records in MongoDB: collection `purchases`, `_id` is the item's id.

What happens to a whole order has a document of its own in `order_facts`, `_id` is the order's id, and joins on reading.
So it may come before the purchase, or without one: an order that was cancelled while in review was never a purchase.
What was shipped for an item stands in `item_facts` in the same way, `_id` is the item's id.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from services.warranty.records.domain import OrderOwner, Owner, PurchaseRecord
from services.warranty.records.store import (
    COLLECTION,
    ITEM_FACTS,
    ORDER_FACTS,
    ORDER_OWNERS,
    DayCount,
    Position,
    Shipped,
)
from shared.gather import GatheredWriter
from shared.mongo import Database, Document, Index, ensure_indexes, translated
from shared.reads import GatheredReader

_OWNED = {"owner_key": {"$exists": True}}
_OWNER = ("owner_key", "owner", "owner_proof", "contact", "offer", "taken_by")
_OFFERED = {"offer.code_key": {"$exists": True}}


async def ensure_purchase_indexes(database: Database) -> None:
    """Owner's list, newest first; the desk's count by day."""
    await ensure_indexes(
        database[COLLECTION],
        [
            Index("owner", [("owner_key", 1), ("purchased_at", -1), ("_id", -1)], partial=_OWNED),
            Index("purchased_at", [("purchased_at", 1)]),
            Index("order", [("order_id", 1)]),
            Index("offer", [("offer.code_key", 1)], unique=True, partial=_OFFERED),
            Index("taken", [("taken_by", 1)], partial={"taken_by": {"$exists": True}}),
        ],
    )
    await ensure_indexes(database[ORDER_OWNERS], [Index("owner", [("owner_key", 1)])])
    await ensure_indexes(
        database[ITEM_FACTS], [Index("serial", [("serial", 1)], partial={"serial": {"$exists": True}})]
    )


class MongoPurchases:
    """`Purchases` on a database handle. `time_zone` is the shop's, for counts by day."""

    def __init__(self, database: Database, *, time_zone: str) -> None:
        self._collection = database[COLLECTION]
        self._facts = database[ORDER_FACTS]
        self._items = database[ITEM_FACTS]
        self._owners = database[ORDER_OWNERS]
        self._claimed = GatheredReader(self._owners)
        self._writer = GatheredWriter(self._collection)
        self._time_zone = time_zone

    async def add(self, records: Sequence[PurchaseRecord]) -> None:
        """See `Purchases.add`; all writers that are busy at this moment share one bulk write."""
        await self._writer.insert_new([_document(record) for record in records])

    async def find(self, record_id: str, *, owner_key: str) -> PurchaseRecord | None:
        """See `Purchases.find`."""
        return await self._one({"_id": record_id, "owner_key": owner_key})

    async def of_owner(self, owner_key: str, *, limit: int, after: Position | None = None) -> list[PurchaseRecord]:
        """See `Purchases.of_owner`."""
        wanted: Document = {"owner_key": owner_key}
        if after is not None:
            wanted["$or"] = [
                {"purchased_at": {"$lt": after.purchased_at}},
                {"purchased_at": after.purchased_at, "_id": {"$lt": after.id}},
            ]
        order = [("purchased_at", -1), ("_id", -1)]
        with translated():
            documents = await self._collection.find(wanted).sort(order).limit(limit).to_list(limit)
        return await self._with_facts([_record(document) for document in documents])

    async def count_of_owner(self, owner_key: str) -> int:
        """See `Purchases.count_of_owner`."""
        with translated():
            return int(await self._collection.count_documents({"owner_key": owner_key}))

    async def unlink(self, owner_key: str) -> None:
        """See `Purchases.unlink`."""
        with translated():
            await self._owners.delete_many({"owner_key": owner_key})
            await self._collection.update_many({"owner_key": owner_key}, {"$unset": dict.fromkeys(_OWNER, 1)})

    async def of_order(self, order_id: str) -> list[PurchaseRecord]:
        """See `Purchases.of_order`."""
        with translated():
            documents = await self._collection.find({"order_id": order_id}).sort("_id", 1).to_list(None)
        return await self._with_facts([_record(document) for document in documents])

    async def of_serial(self, serial: str) -> PurchaseRecord | None:
        """See `Purchases.of_serial`."""
        with translated():
            item = await self._items.find_one({"serial": {"$eq": serial, "$exists": True}})
            document = await self._collection.find_one({"_id": item["_id"]}) if item else None
        return None if document is None else (await self._with_facts([_record(document)]))[0]

    async def link(self, record_id: str, owner: Owner) -> None:
        """See `Purchases.link`."""
        nobodys = {"$exists": False}
        unowned = {"_id": record_id, "owner": nobodys, "transferred_at": nobodys}
        change: Document = {"$set": _owner_document(owner), "$unset": {"owner_proof": 1}}
        with translated():
            await self._collection.update_one(unowned, change)

    async def note_owner(self, order_id: str, owner: OrderOwner) -> None:
        """See `Purchases.note_owner`."""
        fields = {"owner_key": owner.key, "person_id": owner.person_id, "buyer": owner.buyer}
        with translated():
            await self._owners.update_one({"_id": order_id}, {"$setOnInsert": fields}, upsert=True)

    async def owner_of_order(self, order_id: str) -> OrderOwner | None:
        """See `Purchases.owner_of_order`; all that ask at this moment share one query."""
        found = await self._claimed.find(order_id)
        return None if found is None else OrderOwner(found["owner_key"], found["person_id"], bytes(found["buyer"]))

    async def offer(self, record_id: str, *, owner_key: str, code_key: str, until: datetime) -> bool:
        """See `Purchases.offer`."""
        change: Document = {"$set": {"offer": {"code_key": code_key, "until": until}}}
        with translated():
            done = await self._collection.update_one({"_id": record_id, "owner_key": owner_key}, change)
        return bool(done.matched_count)

    async def withdraw_offer(self, record_id: str, *, owner_key: str) -> None:
        """See `Purchases.withdraw_offer`."""
        with translated():
            await self._collection.update_one({"_id": record_id, "owner_key": owner_key}, {"$unset": {"offer": 1}})

    async def offered(self, code_key: str, now: datetime) -> PurchaseRecord | None:
        """See `Purchases.offered`."""
        return await self._one({"offer.code_key": code_key, "offer.until": {"$gt": now}})

    async def begin_claim(self, record_id: str, *, owner_key: str, at: datetime) -> bool:
        """See `Purchases.begin_claim`."""
        with translated():
            done = await self._collection.update_one(
                {"_id": record_id, "owner_key": owner_key}, {"$max": {"claim_begun_at": at}}
            )
        return bool(done.matched_count)

    async def hand_on(self, code_key: str, owner: Owner, *, at: datetime, unclaimed_since: datetime) -> None:
        """See `Purchases.hand_on`."""
        fields = _owner_document(owner) | {"transferred_at": at, "taken_by": code_key}
        change: Document = {"$set": fields, "$unset": {"offer": 1, "owner_proof": 1}}
        good = {"offer.code_key": code_key, "offer.until": {"$gt": at}}
        unclaimed = {"claim_begun_at": {"$not": {"$gte": unclaimed_since}}}
        with translated():
            await self._collection.update_one(good | unclaimed, change)

    async def taken(self, code_key: str, owner_key: str) -> PurchaseRecord | None:
        """See `Purchases.taken`."""
        return await self._one({"taken_by": code_key, "owner_key": owner_key})

    async def _one(self, wanted: Document) -> PurchaseRecord | None:
        with translated():
            document = await self._collection.find_one(wanted)
        return None if document is None else (await self._with_facts([_record(document)]))[0]

    async def number(self, record_id: str, serial: str, *, at: datetime) -> None:
        """See `Purchases.number`."""
        parcel = {"serial": serial, "at": at}
        all_of_them = {"$setUnion": [{"$ifNull": ["$shipped", []]}, [{"$literal": parcel}]]}
        change: list[Document] = [
            {"$set": {"shipped": {"$sortArray": {"input": all_of_them, "sortBy": {"at": 1}}}}},
            {"$set": {"serial": {"$getField": {"field": "serial", "input": {"$last": "$shipped"}}}}},
        ]
        with translated():
            await self._items.update_one({"_id": record_id}, change, upsert=True)

    async def note_delivered(self, order_id: str, *, at: datetime) -> None:
        """See `Purchases.note_delivered`."""
        await self._note(order_id, {"$min": {"delivered_at": at}})

    async def extend(self, record_id: str, claim_id: str, days: int) -> None:
        """See `Purchases.extend`."""
        await self._note_item(record_id, {"$max": {f"extended.{claim_id}": days}})

    async def note_paid_back(self, record_id: str, claim_id: str) -> None:
        """See `Purchases.note_paid_back`."""
        await self._note_item(record_id, {"$set": {"paid_back": claim_id}})

    async def _note_item(self, record_id: str, change: Document) -> None:
        with translated():
            await self._items.update_one({"_id": record_id}, change, upsert=True)

    async def serials(self, record_id: str) -> list[Shipped]:
        """See `Purchases.serials`."""
        with translated():
            document = await self._items.find_one({"_id": record_id})
        return [Shipped(each["serial"], each["at"]) for each in (document or {}).get("shipped", [])]

    async def note_cancelled(self, order_id: str, *, at: datetime) -> None:
        """See `Purchases.note_cancelled`."""
        await self._note(order_id, {"$min": {"cancelled_at": at}})

    async def note_refunded(self, order_id: str, refunded_minor: int) -> None:
        """See `Purchases.note_refunded`."""
        await self._note(order_id, {"$max": {"refunded_minor": refunded_minor}})

    async def _note(self, order_id: str, change: Document) -> None:
        with translated():
            await self._facts.update_one({"_id": order_id}, change, upsert=True)

    async def _with_facts(self, records: list[PurchaseRecord]) -> list[PurchaseRecord]:
        order_ids = list({record.order_id for record in records})
        if not order_ids:
            return records
        of_items: Document = {"_id": {"$in": [record.id for record in records]}}
        with translated():
            found, items = await asyncio.gather(
                self._facts.find({"_id": {"$in": order_ids}}).to_list(None), self._items.find(of_items).to_list(None)
            )
        facts = {document["_id"]: document for document in found}
        parcels = {document["_id"]: document for document in items}
        return [_joined(record, facts.get(record.order_id, {}), parcels.get(record.id, {})) for record in records]

    async def count(self) -> int:
        """See `Purchases.count`; counted, for the estimate is off after a crash of the database."""
        with translated():
            return int(await self._collection.count_documents({}))

    async def count_by_day(self, since: datetime) -> list[DayCount]:
        """See `Purchases.count_by_day`."""
        day = {"$dateToString": {"date": "$purchased_at", "format": "%Y-%m-%d", "timezone": self._time_zone}}
        pipeline: list[dict[str, Any]] = [
            {"$match": {"purchased_at": {"$gte": since}}},
            {"$group": {"_id": day, "records": {"$sum": 1}}},
            {"$sort": {"_id": 1}},
        ]
        with translated():
            rows = await self._collection.aggregate(pipeline).to_list(None)
        return [DayCount(date.fromisoformat(row["_id"]), int(row["records"])) for row in rows]


def _document(record: PurchaseRecord) -> Document:
    document: Document = {
        "_id": record.id,
        "order_id": record.order_id,
        "order_number": record.order_number,
        "sku": record.sku,
        "name": record.name,
        "purchased_at": record.purchased_at,
        "unit_price_minor": record.unit_price_minor,
        "currency": record.currency,
        "country": record.country,
        "months": record.months,
        "rule": record.rule,
        "rule_version": record.rule_version,
        "covered_until": record.covered_until.isoformat(),
    }
    if record.owner is not None:
        document |= _owner_document(record.owner)
    return document


def _owner_document(owner: Owner) -> Document:
    document: Document = {"owner_key": owner.key, "contact": owner.contact}
    if owner.sealed:
        document["owner"] = owner.sealed
    if owner.proof:
        document["owner_proof"] = owner.proof
    return document


def _owner_of(document: Document) -> Owner | None:
    if "owner_key" not in document:
        return None
    sealed, contact = bytes(document.get("owner", b"")), bytes(document.get("contact", b""))
    return Owner(document["owner_key"], sealed, contact, document.get("owner_proof", ""))


def _joined(record: PurchaseRecord, facts: Document, parcels: Document) -> PurchaseRecord:
    return replace(
        record,
        serial=parcels.get("serial", ""),
        shipped_at=parcels["shipped"][0]["at"] if "shipped" in parcels else None,
        delivered_at=facts.get("delivered_at"),
        extended_days=sum(parcels.get("extended", {}).values()),
        is_paid_back="paid_back" in parcels,
        cancelled_at=facts.get("cancelled_at"),
        order_refunded_minor=facts.get("refunded_minor", 0),
    )


def _record(document: Document) -> PurchaseRecord:
    return PurchaseRecord(
        id=document["_id"],
        order_id=document["order_id"],
        order_number=document["order_number"],
        sku=document["sku"],
        name=document["name"],
        purchased_at=document["purchased_at"],
        unit_price_minor=document["unit_price_minor"],
        currency=document["currency"],
        country=document["country"],
        months=document["months"],
        rule=document["rule"],
        rule_version=document["rule_version"],
        covered_until=date.fromisoformat(document["covered_until"]),
        owner=_owner_of(document),
        transferred_at=document.get("transferred_at"),
    )
