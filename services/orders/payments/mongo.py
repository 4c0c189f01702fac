"""The sandbox's book in MongoDB."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from services.orders.payments.ledger import UNDECIDED
from services.orders.payments.provider import Charge, Outcome
from shared.errors import TransientError
from shared.gather import GatheredWriter
from shared.mongo import Database, Document, DuplicateKey, Index, translated

COLLECTION = "sandbox_charges"
INDEXES = (Index("outcome", [("outcome", 1)]),)


class MongoLedger:
    """`Ledger` on a database; one for each process."""

    def __init__(self, database: Database) -> None:
        self._charges = database[COLLECTION]
        self._writer = GatheredWriter(self._charges)

    async def enter(self, charge: Charge) -> Charge:
        """See `Ledger.enter`."""
        try:
            await self._writer.insert(_document_of(charge))
        except DuplicateKey:
            earlier = await self.find(charge.order_id)
            if earlier is None:
                raise TransientError("sandbox: an entry that is there cannot be read") from None
            return earlier
        return charge

    async def end(
        self, order_id: str, outcome: Outcome, *, reason: str = "", standing: Collection[Outcome] = UNDECIDED
    ) -> Charge:
        """See `Ledger.end`."""
        wanted = {"_id": order_id, "outcome": {"$in": [each.value for each in standing]}}
        change = {"$set": {"outcome": outcome.value, "reason": reason}, "$unset": {"action_url": ""}}
        with translated():
            await self._charges.update_one(wanted, change)
        ended = await self.find(order_id)
        if ended is None:
            raise TransientError("sandbox: there is no such entry yet")
        return ended

    async def refund(self, order_id: str, refund_id: str, amount_minor: int) -> bool:
        """See `Ledger.refund`."""
        place = f"refunds.{refund_id}"
        left = {"$gte": [{"$subtract": ["$amount_minor", {"$ifNull": ["$refunded_minor", 0]}]}, amount_minor]}
        paid = {"_id": order_id, "outcome": Outcome.PAID.value, place: {"$exists": False}, "$expr": left}
        with translated():
            done = await self._charges.update_one(
                paid, {"$set": {place: amount_minor}, "$inc": {"refunded_minor": amount_minor}}
            )
            if done.matched_count:
                return True
            return await self._charges.find_one({"_id": order_id, place: amount_minor}, {"_id": 1}) is not None

    async def find(self, order_id: str) -> Charge | None:
        """See `Ledger.find`."""
        with translated():
            document = await self._charges.find_one({"_id": order_id})
        return None if document is None else _charge_of(document)

    async def entries(self, *, behind: str, limit: int, newest_first: bool = False) -> Sequence[Charge]:
        """See `Ledger.entries`."""
        operator, order = ("$lt", -1) if newest_first else ("$gt", 1)
        wanted: Document = {"_id": {operator: behind}} if behind else {}
        with translated():
            documents = await self._charges.find(wanted).sort("_id", order).limit(limit).to_list(None)
        return [_charge_of(document) for document in documents]

    async def counts(self) -> Mapping[Outcome, int]:
        """See `Ledger.counts`."""
        with translated():
            counted = await asyncio.gather(
                *(self._charges.count_documents({"outcome": outcome.value}) for outcome in Outcome)
            )
        return dict(zip(Outcome, counted, strict=True))


def _document_of(charge: Charge) -> Document:
    document: Document = {
        "_id": charge.order_id,
        "amount_minor": charge.amount_minor,
        "currency": charge.currency,
        "outcome": charge.outcome.value,
        "reason": charge.reason,
        "charged_at": charge.charged_at,
    }
    if not charge.capture:
        document["capture"] = False
    return document | {"action_url": charge.action_url} if charge.action_url else document


def _charge_of(document: Document) -> Charge:
    return Charge(
        order_id=document["_id"],
        amount_minor=document["amount_minor"],
        currency=document["currency"],
        outcome=Outcome(document["outcome"]),
        reason=document["reason"],
        charged_at=document["charged_at"],
        action_url=document.get("action_url", ""),
        refunded_minor=document.get("refunded_minor", 0),
        capture=document.get("capture", True),
    )
