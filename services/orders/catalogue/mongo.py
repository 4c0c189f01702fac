"""Products in MongoDB: `products` holds what is said about a watch, `stock` how many there are.

Two collections, because the count of a watch that sells well is rewritten a hundred times a second, its texts never.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from services.orders.catalogue.domain import Offer, Product
from shared.mongo import Database, Document, translated


class MongoProducts:
    """`Products` on a database."""

    def __init__(self, database: Database) -> None:
        self._products = database["products"]
        self._stock = database["stock"]

    async def offers(self) -> Sequence[Offer]:
        """See `Products.offers`."""
        with translated():
            products, counts = await asyncio.gather(
                self._products.find().sort("_id", 1).to_list(None),
                self._stock.find({}, {"count": 1}).to_list(None),
            )
        left = {count["_id"]: count["count"] for count in counts}
        return [Offer(_product_of(document), left.get(document["_id"], 0)) for document in products]

    async def put(self, product: Product, *, stock: int) -> None:
        """See `Products.put`."""
        with translated():
            await self._products.replace_one({"_id": product.sku}, _document_of(product), upsert=True)
            await self._start_counting(product.sku, stock)

    async def add(self, product: Product, *, stock: int) -> None:
        """See `Products.add`."""
        with translated():
            await self._products.update_one({"_id": product.sku}, {"$setOnInsert": _document_of(product)}, upsert=True)
            await self._start_counting(product.sku, stock)

    async def _start_counting(self, sku: str, stock: int) -> None:
        await self._stock.update_one({"_id": sku}, {"$setOnInsert": {"count": stock, "holds": {}}}, upsert=True)


def _document_of(product: Product) -> Document:
    return {
        "names": dict(product.names),
        "descriptions": dict(product.descriptions),
        "prices": dict(product.prices),
        "warranty_months": product.warranty_months,
        "weight_g": product.weight_g,
        "is_retired": product.is_retired,
    }


def _product_of(document: dict[str, Any]) -> Product:
    return Product(
        sku=document["_id"],
        names=document["names"],
        descriptions=document["descriptions"],
        prices=document["prices"],
        warranty_months=document["warranty_months"],
        weight_g=document["weight_g"],
        is_retired=document.get("is_retired", False),
    )
