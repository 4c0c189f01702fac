"""Stock in MongoDB: one small document a product, `{_id: sku, count, holds: {<order id>: {quantity, at}}}`.
Marks of what came back or went without a charge stand beside the holds: `{returned: {<order id>: at}, taken: {…}}`.

How holds are taken is `stock.holds`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.orders.stock.holds import GatheredHolds, HoldRequest
from services.orders.stock.store import Hold, Mark, NotCounted, SoldOut, TooFew, Wanted
from shared.mongo import Database, Document, translated

_RETURNED, _TAKEN = _MARKS = ("returned", "taken")


class MongoStock:
    """`Stock` on a database; one for each process."""

    def __init__(self, database: Database) -> None:
        self._stock = database["stock"]
        self._holds = GatheredHolds(self._stock)

    async def reserve(self, order_id: str, wanted: Sequence[Wanted], *, at: datetime) -> None:
        """See `Stock.reserve`."""
        if len(wanted) == 1:
            held = [await self._holds.take(HoldRequest(wanted[0].sku, order_id, wanted[0].quantity, at))]
        else:
            requests = (self._holds.take(HoldRequest(one.sku, order_id, one.quantity, at)) for one in wanted)
            held = await asyncio.gather(*requests)
        if not all(held):
            await self.release(order_id, [one for one, has in zip(wanted, held, strict=True) if has])
            raise SoldOut.at([line for line, has in enumerate(held) if not has])

    async def release(self, order_id: str, wanted: Sequence[Wanted]) -> None:
        """See `Stock.release`."""
        place = f"holds.{order_id}"
        with translated():
            for one in wanted:
                await self._stock.update_one(
                    {"_id": one.sku, place: {"$exists": True}},
                    {"$inc": {"count": one.quantity}, "$unset": {place: ""}},
                )

    def sold(self, order_id: str, wanted: Sequence[Wanted]) -> None:
        """See `Stock.sold`."""
        for one in wanted:
            self._holds.forget_later(one.sku, order_id)

    async def holds_before(self, moment: datetime, *, limit: int) -> Sequence[Hold]:
        """See `Stock.holds_before`."""
        with translated():
            documents = await self._stock.find({"holds": {"$ne": {}}}).to_list(None)
        holds = [hold for document in documents for hold in _holds_of(document) if hold.held_at < moment]
        return holds[:limit]

    async def forget(self, sku: str, order_ids: Sequence[str]) -> None:
        """See `Stock.forget`."""
        gone = {f"holds.{order_id}": "" for order_id in order_ids}
        with translated():
            await self._stock.update_one({"_id": sku}, {"$unset": gone})

    async def give_back(self, order_id: str, wanted: Sequence[Wanted], *, at: datetime) -> None:
        """See `Stock.give_back`."""
        for one in wanted:
            await self._move(one.sku, one.quantity, f"{_RETURNED}.{order_id}", at, gone={f"holds.{order_id}": ""})

    async def take(self, order_id: str, wanted: Sequence[Wanted], *, at: datetime) -> None:
        """See `Stock.take`."""
        taken = [await self._move(one.sku, -one.quantity, f"{_TAKEN}.{order_id}", at) for one in wanted]
        if not all(taken):
            raise SoldOut.at([line for line, has in enumerate(taken) if not has])

    async def marks_before(self, moment: datetime, *, limit: int) -> Sequence[Mark]:
        """See `Stock.marks_before`."""
        with translated():
            documents = await self._stock.find({}, dict.fromkeys(_MARKS, 1)).to_list(None)
        marks = [mark for document in documents for mark in _marks_of(document) if mark.marked_at < moment]
        return marks[:limit]

    async def forget_mark(self, mark: Mark) -> None:
        """See `Stock.forget_mark`."""
        with translated():
            await self._stock.update_one({"_id": mark.sku}, {"$unset": {f"{mark.kind}.{mark.order_id}": ""}})

    async def adjust(self, sku: str, change: int) -> int:
        """See `Stock.adjust`."""
        return await self._change(sku, {"count": {"$gte": -change}}, {"$inc": {"count": change}})

    async def recount(self, sku: str, count: int) -> int:
        """See `Stock.recount`."""
        return await self._change(sku, {}, {"$set": {"count": count}})

    async def _change(self, sku: str, condition: Document, update: Document) -> int:
        """One conditional write; the count after it."""
        with translated():
            changed: Document | None = await self._stock.find_one_and_update(
                {"_id": sku, **condition}, update, return_document=True
            )
            if changed is None and await self._stock.find_one({"_id": sku}, {"_id": 1}) is None:
                raise NotCounted
        if changed is None:
            raise TooFew
        return int(changed["count"])

    async def _move(
        self, sku: str, change: int, mark: str, at: datetime, *, gone: Mapping[str, str] | None = None
    ) -> bool:
        """Move the count and set the mark, unless it is set already; whether it is set now."""
        wanted = {"_id": sku, mark: {"$exists": False}, "count": {"$gte": max(0, -change)}}
        update: Document = {"$inc": {"count": change}, "$set": {mark: at}}
        if gone:
            update["$unset"] = dict(gone)
        with translated():
            done = await self._stock.update_one(wanted, update)
            if done.matched_count:
                return True
            return await self._stock.find_one({"_id": sku, mark: {"$exists": True}}, {"_id": 1}) is not None


def _holds_of(document: Document) -> list[Hold]:
    return [
        Hold(document["_id"], order_id, hold["quantity"], hold["at"]) for order_id, hold in document["holds"].items()
    ]


def _marks_of(document: Document) -> list[Mark]:
    return [
        Mark(document["_id"], order_id, kind, at) for kind in _MARKS for order_id, at in document.get(kind, {}).items()
    ]
