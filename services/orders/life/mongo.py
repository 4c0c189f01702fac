"""Orders in MongoDB, one document each: what was bought, by whom (sealed), how it stands, which events still wait."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.orders.life.domain import Attempt, Line, Order, OrderNotFound, Personal, Status
from services.orders.life.store import KeyTaken
from shared.errors import TransientError
from shared.events import Event
from shared.gather import GatheredWriter
from shared.mongo import Database, Document, DuplicateKey, Index, translated
from shared.outbox import pending

COLLECTION = "orders"
_KEY_INDEX = "attempt_key"

INDEXES = (
    Index(_KEY_INDEX, [("attempt.key", 1)], unique=True),
    Index("number", [("number", 1)], unique=True),
    Index("status", [("status", 1), ("_id", 1)]),
    Index("account", [("account_id", 1), ("_id", -1)], partial={"account_id": {"$gt": ""}}),
)


class MongoOrders:
    """`Orders` on a database; one for each process."""

    def __init__(self, database: Database) -> None:
        self._orders = database[COLLECTION]
        self._writer = GatheredWriter(self._orders)

    async def add(self, order: Order) -> None:
        """See `Orders.add`."""
        try:
            await self._writer.insert(_document_of(order))
        except DuplicateKey as error:
            if error.index == _KEY_INDEX:
                raise KeyTaken from None
            # 60 random bits met again: the next try draws another number.
            raise TransientError("order number taken", retry_after_s=1) from None

    async def settle(self, order: Order, events: Sequence[Event] = ()) -> bool:
        """See `Orders.settle`."""
        change: Document = {
            "status": order.status.value,
            "settled_at": order.settled_at,
            "attempt.key": order.attempt.key,
        }
        if order.declined_because:
            change["declined_because"] = order.declined_because
        if events:
            change["outbox"] = pending(events)
        return await self._writer.update({"_id": order.id, "status": Status.CHARGING.value}, {"$set": change})

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

    async def charging_before(self, moment: datetime, *, limit: int, behind: str = "") -> Sequence[Order]:
        """See `Orders.charging_before`."""
        wanted = {"status": Status.CHARGING.value, "created_at": {"$lt": moment}, "_id": {"$gt": behind}}
        return await self._list(wanted, order=1, limit=limit)

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
            await self._orders.update_many(_theirs(account_id), {"$set": {"card_fingerprint": ""}})

    async def newest(self, *, before: str, limit: int) -> Sequence[Order]:
        """See `Orders.newest`."""
        return await self._list(_behind(before), order=-1, limit=limit)

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
        return None if document is None else _order_of(document)

    async def _list(self, wanted: Document, *, order: int, limit: int) -> list[Order]:
        with translated():
            documents = await self._orders.find(wanted, {"outbox": 0}).sort("_id", order).limit(limit).to_list(None)
        return [_order_of(document) for document in documents]


def _theirs(account_id: str) -> Document:
    # A guest's orders have no account, and are nobody's by it; the index covers the others alone.
    return {"account_id": {"$eq": account_id, "$gt": ""}}


def _behind(order_id: str) -> Document:
    return {"_id": {"$lt": order_id}} if order_id else {}


def _document_of(order: Order) -> Document:
    return {
        "_id": order.id,
        "number": order.number,
        "status": order.status.value,
        "attempt": {"key": order.attempt.key, "body": order.attempt.body},
        "account_id": order.account_id,
        "language": order.language,
        "currency": order.currency,
        "country": order.country,
        "lines": [_line_document(line) for line in order.lines],
        "shipping_minor": order.shipping_minor,
        "person_id": order.personal.person_id,
        "contact": order.personal.contact,
        "shipping": order.personal.shipping,
        "card": order.personal.card,
        "card_fingerprint": order.card_fingerprint,
        "newsletter": order.newsletter,
        "created_at": order.created_at,
    }


def _line_document(line: Line) -> Document:
    return {
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "warranty_months": line.warranty_months,
    }


def _order_of(document: dict[str, Any]) -> Order:
    return Order(
        id=document["_id"],
        number=document["number"],
        status=Status(document["status"]),
        attempt=Attempt(**document["attempt"]),
        account_id=document["account_id"],
        language=document["language"],
        currency=document["currency"],
        country=document["country"],
        lines=tuple(Line(**line) for line in document["lines"]),
        shipping_minor=document["shipping_minor"],
        personal=Personal(document["person_id"], document["contact"], document["shipping"], document["card"]),
        card_fingerprint=document["card_fingerprint"],
        newsletter=document["newsletter"],
        created_at=document["created_at"],
        settled_at=document.get("settled_at"),
        declined_because=document.get("declined_because", ""),
    )
