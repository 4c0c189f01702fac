"""Stock in MongoDB: one small document a product, `{_id: sku, count, holds: {<order id>: {quantity, at}}}`.
Marks of what came back or went without a charge stand beside the holds: `{returned: {<order id>: at}, taken: {…}}`.

Updates of one document follow one another, at about 1,000 a second each on its own. So the holds of orders that arrive
together go into one conditional update of their product; where that cannot be had whole, each order is tried alone.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.orders.stock.store import Hold, Mark, NotCounted, SoldOut, TooFew, Wanted
from shared.gatherer import Gatherer
from shared.mongo import Collection, Database, Document, translated

_MOST_AT_ONCE = 200
_RETURNED, _TAKEN = _MARKS = ("returned", "taken")


@dataclass(frozen=True, slots=True)
class _Claim:
    order_id: str
    quantity: int
    at: datetime


class MongoStock:
    """`Stock` on a database; one for each process."""

    def __init__(self, database: Database) -> None:
        self._stock = database["stock"]
        self._counters: dict[str, _Counter] = {}

    async def reserve(self, order_id: str, wanted: Sequence[Wanted], *, at: datetime) -> None:
        """See `Stock.reserve`."""
        if len(wanted) == 1:
            held = [await self._counter(wanted[0].sku).claim(order_id, wanted[0].quantity, at)]
        else:
            claims = (self._counter(one.sku).claim(order_id, one.quantity, at) for one in wanted)
            held = await asyncio.gather(*claims)
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
            self._counter(one.sku).forget_later(order_id)

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

    def _counter(self, sku: str) -> "_Counter":
        # One a SKU of the catalogue: what nobody sells never gets this far.
        if sku not in self._counters:
            self._counters[sku] = _Counter(self._stock, sku)
        return self._counters[sku]


class _Counter:
    """The count of one product, as this process writes it: one update under way, the others gather behind it."""

    def __init__(self, stock: Collection, sku: str) -> None:
        self._stock = stock
        self._sku = sku
        self._claims: Gatherer[_Claim, bool] = Gatherer(self._write, max_batch=_MOST_AT_ONCE)
        self._sold: set[str] = set()

    async def claim(self, order_id: str, quantity: int, at: datetime) -> bool:
        return await self._claims.submit(_Claim(order_id, quantity, at))

    def forget_later(self, order_id: str) -> None:
        self._sold.add(order_id)

    async def _write(self, batch: Sequence[_Claim]) -> list[bool | Exception]:
        """Whether each claim holds: all of them by one write, or, where there are not so many left, each by its own."""
        if await self._take(batch):
            return [True] * len(batch)
        return [len(batch) > 1 and await self._take([claim]) for claim in batch]

    async def _take(self, claims: Sequence[_Claim]) -> bool:
        """One conditional write: all of these claims, or none."""
        quantity = sum(claim.quantity for claim in claims)
        change: Document = {
            "$inc": {"count": -quantity},
            "$set": {f"holds.{claim.order_id}": _hold_document(claim) for claim in claims},
        }
        sold, self._sold = self._sold, set()
        if sold:
            change["$unset"] = {f"holds.{order_id}": "" for order_id in sold}
        with translated():
            done = await self._stock.update_one({"_id": self._sku, "count": {"$gte": quantity}}, change)
        if not done.matched_count:
            self._sold |= sold  # where the write fails altogether, the sweep forgets them
        return done.matched_count == 1


def _hold_document(claim: _Claim) -> Document:
    return {"quantity": claim.quantity, "at": claim.at}


def _holds_of(document: Document) -> list[Hold]:
    return [
        Hold(document["_id"], order_id, hold["quantity"], hold["at"]) for order_id, hold in document["holds"].items()
    ]


def _marks_of(document: Document) -> list[Mark]:
    return [
        Mark(document["_id"], order_id, kind, at) for kind in _MARKS for order_id, at in document.get(kind, {}).items()
    ]
