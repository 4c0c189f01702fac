"""Quotes in MongoDB: collection `quotes`; the database removes them when they are over."""

from dataclasses import asdict
from typing import Any

from services.orders.checkout.pricing import Quote
from services.orders.life.domain import Line
from services.orders.quotes.domain import GivenQuote
from services.orders.taxes.domain import Tax
from shared.gather import GatheredWriter
from shared.mongo import Database, Index, translated

COLLECTION = "quotes"
INDEXES = (Index("over", [("expires_at", 1)], expire_after_s=3600),)


class MongoQuotes:
    """`Quotes` on a database; one for each process."""

    def __init__(self, database: Database) -> None:
        self._quotes = database[COLLECTION]
        self._writer = GatheredWriter(self._quotes)

    async def add(self, given: GivenQuote) -> None:
        """See `Quotes.add`."""
        await self._writer.insert({"_id": given.id, "expires_at": given.expires_at, **asdict(given.quote)})

    async def find(self, quote_id: str) -> GivenQuote | None:
        """See `Quotes.find`."""
        with translated():
            document = await self._quotes.find_one({"_id": quote_id})
        return None if document is None else _given_of(document)


def _given_of(document: dict[str, Any]) -> GivenQuote:
    quote = Quote(
        lines=tuple(Line(**line) for line in document["lines"]),
        currency=document["currency"],
        country=document["country"],
        shipping_minor=document["shipping_minor"],
        tax=Tax(**document["tax"]),
    )
    return GivenQuote(document["_id"], quote, document["expires_at"])
