"""Which PaymentIntent an order's charge is, written down before the intent is confirmed.

It is how a lost answer is found again: an intent that is not in the book was never confirmed. And it is how an order
without one is voided: an entry without an intent leaves no room for a later one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.errors import TransientError
from shared.gather import GatheredWriter
from shared.mongo import Database, DuplicateKey, translated

COLLECTION = "stripe_intents"
VOIDED = ""
"""In place of an intent's id: nothing can be charged for this order any more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry of an order that counts, and whether it was written just now."""

    intent_id: str
    is_new: bool


class Book(Protocol):
    """Intents by order id. An entry never changes."""

    async def enter(self, order_id: str, intent_id: str) -> Entry:
        """Write the intent's id (or `VOIDED`) down, unless the order has an entry."""

    async def find(self, order_id: str) -> str | None:
        """The order's entry, if there is one."""

    async def find_all(self, order_ids: Collection[str]) -> Mapping[str, str]:
        """The entries of these orders that have one."""


class MongoBook:
    """`Book` on a database; one for each process."""

    def __init__(self, database: Database) -> None:
        self._entries = database[COLLECTION]
        self._writer = GatheredWriter(self._entries)

    async def enter(self, order_id: str, intent_id: str) -> Entry:
        """See `Book.enter`."""
        try:
            await self._writer.insert({"_id": order_id, "intent": intent_id})
        except DuplicateKey:
            earlier = await self.find(order_id)
            if earlier is None:
                raise TransientError("stripe: an entry that is there cannot be read") from None
            return Entry(earlier, is_new=False)
        return Entry(intent_id, is_new=True)

    async def find(self, order_id: str) -> str | None:
        """See `Book.find`."""
        with translated():
            document = await self._entries.find_one({"_id": order_id})
        return None if document is None else str(document["intent"])

    async def find_all(self, order_ids: Collection[str]) -> Mapping[str, str]:
        """See `Book.find_all`."""
        with translated():
            found = await self._entries.find({"_id": {"$in": list(order_ids)}}).to_list(None)
        return {document["_id"]: document["intent"] for document in found}
