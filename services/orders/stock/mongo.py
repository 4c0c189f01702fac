"""Stock in MongoDB: one small document a product, `{_id: sku, count, holds: {<order id>: {quantity, at}}}`.

Updates of one document follow one another, at about 1,000 a second each on its own. So the holds of orders that arrive
together go into one conditional update of their product; where that cannot be had whole, each order is tried alone.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.orders.stock.store import Hold, SoldOut, Wanted
from shared.errors import TransientError
from shared.mongo import Collection, Database, Document, translated

_MOST_AT_ONCE = 200


@dataclass(slots=True)
class _Claim:
    order_id: str
    quantity: int
    at: datetime
    held: "asyncio.Future[bool]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


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
        self._waiting: list[_Claim] = []
        self._sold: set[str] = set()
        self._writer: asyncio.Task[None] | None = None

    async def claim(self, order_id: str, quantity: int, at: datetime) -> bool:
        claim = _Claim(order_id, quantity, at)
        self._waiting.append(claim)
        if self._writer is None or self._writer.done():
            # Not a stray task: every caller awaits its own claim, which this task alone answers.
            self._writer = asyncio.create_task(self._write_all())
        return await claim.held

    def forget_later(self, order_id: str) -> None:
        self._sold.add(order_id)

    async def _write_all(self) -> None:
        await asyncio.sleep(0)  # let those who are ready in this turn of the loop join
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
            try:
                await self._write(batch)
            except asyncio.CancelledError:
                _fail([*batch, *self._waiting], TransientError("shutting down"))
                raise
            except Exception as error:  # noqa: BLE001 - raised again in each caller whose claim it was
                _fail(batch, error)

    async def _write(self, batch: Sequence[_Claim]) -> None:
        if await self._take(batch):
            _answer(batch, held=True)
        elif len(batch) == 1:
            _answer(batch, held=False)
        else:
            for claim in batch:
                _answer([claim], held=await self._take([claim]))

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


def _answer(claims: Sequence[_Claim], *, held: bool) -> None:
    for claim in claims:
        if not claim.held.done():
            claim.held.set_result(held)


def _fail(claims: Sequence[_Claim], error: Exception) -> None:
    for claim in claims:
        if not claim.held.done():
            claim.held.set_exception(error)


def _hold_document(claim: _Claim) -> Document:
    return {"quantity": claim.quantity, "at": claim.at}


def _holds_of(document: Document) -> list[Hold]:
    return [
        Hold(document["_id"], order_id, hold["quantity"], hold["at"]) for order_id, hold in document["holds"].items()
    ]
