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
        self._claims: Gatherer[HoldRequest, bool] = Gatherer(self._write, max_batch=_MOST_AT_ONCE)
        self._sold: defaultdict[str, set[str]] = defaultdict(set)

    async def take(self, claim: HoldRequest) -> bool:
        """Whether the units are held now; False where there are not so many left.

        Raises:
            TransientError: nobody knows.
        """
        return await self._claims.submit(claim)

    def forget_later(self, sku: str, order_id: str) -> None:
        """Forget a hold whose units are sold with the product's next write; where none comes, the sweep does it."""
        self._sold[sku].add(order_id)

    async def _write(self, batch: Sequence[HoldRequest]) -> list[bool | Exception]:
        together = _by_product(batch)
        sold = {sku: self._sold.pop(sku, set()) for sku in together}
        changes = [_taking(claims, forget=sold[sku]) for sku, claims in together.items()]
        done = await bulk_write(self._stock, changes)
        if done.matched == len(changes):
            return [True] * len(batch)
        held = await self._held(batch)
        short = [sku for sku, claims in together.items() if not held.issuperset(claims)]
        for sku in short:
            self._sold[sku] |= sold[sku]
        errors = {sku: done.at(place) for place, sku in enumerate(together)}
        contended = [claim for sku in short if len(together[sku]) > 1 and not errors[sku] for claim in together[sku]]
        if contended:
            held |= await self._one_by_one(contended, errors)
        return [claim in held or errors[claim.sku] or False for claim in batch]

    async def _one_by_one(self, claims: Sequence[HoldRequest], errors: dict[str, Any]) -> set[HoldRequest]:
        """Those that can be had after all, in their order. Of a product without an answer nothing more is tried."""
        done = await bulk_write(self._stock, [_taking([claim]) for claim in claims])
        errors |= {claim.sku: error for place, claim in enumerate(claims) if (error := done.at(place))}
        return await self._held(claims) if done.matched else set()

    async def _held(self, claims: Iterable[HoldRequest]) -> set[HoldRequest]:
        """Those of the claims whose holds stand."""
        wanted = {"_id": {"$in": list({claim.sku for claim in claims})}}
        fields = {f"holds.{claim.order_id}": 1 for claim in claims}
        with translated():
            documents = await self._stock.find(wanted, fields).to_list(None)
        holds = {document["_id"]: document.get("holds", {}) for document in documents}
        return {claim for claim in claims if claim.order_id in holds.get(claim.sku, {})}


def _by_product(batch: Sequence[HoldRequest]) -> Mapping[str, Sequence[HoldRequest]]:
    found: defaultdict[str, list[HoldRequest]] = defaultdict(list)
    for claim in batch:
        found[claim.sku].append(claim)
    return found


def _taking(claims: Sequence[HoldRequest], *, forget: Iterable[str] = ()) -> Any:
    """One conditional update of one product: all of these claims, or none."""
    quantity = sum(claim.quantity for claim in claims)
    change: Document = {
        "$inc": {"count": -quantity},
        "$set": {f"holds.{claim.order_id}": {"quantity": claim.quantity, "at": claim.at} for claim in claims},
    }
    if gone := {f"holds.{order_id}": "" for order_id in forget}:
        change["$unset"] = gone
    return update({"_id": claims[0].sku, "count": {"$gte": quantity}}, change)
