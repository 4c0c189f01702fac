"""Holds of orders that arrive together, whatever they want: one command, with one conditional update of each product.

Updates of one document follow one another, at about 1,000 a second each on its own. Where all that is wanted of a
product cannot be had, the orders are tried one by one, in a second command. Which holds stand is then read: the
documents say it, whatever was answered.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.gatherer import Gatherer
from shared.mongo import Collection, Document, bulk_write, translated, update

_MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """Units of one product that an order wants held from `at`."""

    sku: str
    order_id: str
    quantity: int
    at: datetime


class GatheredHolds:
    """What one process takes from stock: one batch under way, the others gather behind it.

    Args:
        stock: the collection of the products' counts.
    """

    def __init__(self, stock: Collection) -> None:
        self._stock = stock
        self._requests: Gatherer[HoldRequest, bool] = Gatherer(self._write, max_batch=_MOST_AT_ONCE)
        self._sold: defaultdict[str, set[str]] = defaultdict(set)

    async def take(self, request: HoldRequest) -> bool:
        """Whether the units are held now; False where there are not so many left.

        Raises:
            TransientError: nobody knows.
        """
        return await self._requests.submit(request)

    def forget_later(self, sku: str, order_id: str) -> None:
        """Forget a hold whose units are sold with the product's next write; where none comes, the sweep does it."""
        self._sold[sku].add(order_id)

    async def _write(self, batch: Sequence[HoldRequest]) -> list[bool | Exception]:
        together = _by_product(batch)
        sold = {sku: self._sold.pop(sku, set()) for sku in together}
        changes = [_taking(requests, forget=sold[sku]) for sku, requests in together.items()]
        done = await bulk_write(self._stock, changes)
        if done.matched == len(changes):
            return [True] * len(batch)
        held = await self._held(batch)
        short = [sku for sku, requests in together.items() if not held.issuperset(requests)]
        for sku in short:
            self._sold[sku] |= sold[sku]
        errors = {sku: done.at(place) for place, sku in enumerate(together)}
        contended = [
            request for sku in short if len(together[sku]) > 1 and not errors[sku] for request in together[sku]
        ]
        if contended:
            held |= await self._one_by_one(contended, errors)
        return [request in held or errors[request.sku] or False for request in batch]

    async def _one_by_one(self, requests: Sequence[HoldRequest], errors: dict[str, Any]) -> set[HoldRequest]:
        """Those that can be had after all, in their order. Of a product without an answer nothing more is tried."""
        done = await bulk_write(self._stock, [_taking([request]) for request in requests])
        errors |= {request.sku: error for place, request in enumerate(requests) if (error := done.at(place))}
        return await self._held(requests) if done.matched else set()

    async def _held(self, requests: Iterable[HoldRequest]) -> set[HoldRequest]:
        """Those of the requests whose holds stand."""
        wanted = {"_id": {"$in": list({request.sku for request in requests})}}
        fields = {f"holds.{request.order_id}": 1 for request in requests}
        with translated():
            documents = await self._stock.find(wanted, fields).to_list(None)
        holds = {document["_id"]: document.get("holds", {}) for document in documents}
        return {request for request in requests if request.order_id in holds.get(request.sku, {})}


def _by_product(batch: Sequence[HoldRequest]) -> Mapping[str, Sequence[HoldRequest]]:
    found: defaultdict[str, list[HoldRequest]] = defaultdict(list)
    for request in batch:
        found[request.sku].append(request)
    return found


def _taking(requests: Sequence[HoldRequest], *, forget: Iterable[str] = ()) -> Any:
    """One conditional update of one product: all of these requests, or none."""
    quantity = sum(request.quantity for request in requests)
    change: Document = {
        "$inc": {"count": -quantity},
        "$set": {f"holds.{request.order_id}": {"quantity": request.quantity, "at": request.at} for request in requests},
    }
    if gone := {f"holds.{order_id}": "" for order_id in forget}:
        change["$unset"] = gone
    return update({"_id": requests[0].sku, "count": {"$gte": quantity}}, change)
