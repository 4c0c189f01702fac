"""What warranty asks of its store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.warranty.records.domain import OrderOwner, Owner, PurchaseRecord

COLLECTION = "purchases"
"""Where records are kept; sealed fields are bound to this name."""
ITEM_FACTS = "item_facts"
"""Where facts of single items are kept, likewise."""
ORDER_OWNERS = "order_owners"
"""Where it is kept which account has claimed a guest's order, whether or not its purchase is known yet."""
ORDER_FACTS = "order_facts"
"""Where facts of whole orders are kept, whether or not their purchase is known yet; no person is in them."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list of records, newest first: the record after which the next page begins."""

    purchased_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many items were bought on one day."""

    day: date
    records: int


@dataclass(frozen=True, slots=True)
class Shipped:
    """A unit on its way to the buyer."""

    serial: str
    at: datetime


class Purchases(Protocol):
    """Purchase records. Written once, under the item's id; each is read with what is noted of its order."""

    async def add(self, records: Sequence[PurchaseRecord]) -> None:
        """Store those that are not there yet; a record that is there stays as it is.

        Returns when all of them are safe on a majority.

        Raises:
            TransientError: some may be stored and some not; the same call again completes it.
        """
        ...

    async def find(self, record_id: str, *, owner_key: str) -> PurchaseRecord | None:
        """The owner's record, or nothing where it is another's or nobody's."""
        ...

    async def of_owner(self, owner_key: str, *, limit: int, after: Position | None = None) -> list[PurchaseRecord]:
        """At most `limit` records of an owner, newest purchase first, from behind `after` on."""
        ...

    async def count_of_owner(self, owner_key: str) -> int:
        """How many records an owner has."""
        ...

    async def unlink(self, owner_key: str) -> None:
        """Cut the owner off from all of their records, which stay as they are otherwise; also from those of orders that
        are not known yet, and from what they have offered. Durable on return.
        """
        ...

    async def of_order(self, order_id: str) -> list[PurchaseRecord]:
        """Every record of an order."""
        ...

    async def of_serial(self, serial: str) -> PurchaseRecord | None:
        """The record whose unit has this serial number now."""
        ...

    async def link(self, record_id: str, owner: Owner) -> None:
        """Give the record to an account, unless it is an account's already or was handed on. Durable on return."""
        ...

    async def note_owner(self, order_id: str, owner: OrderOwner) -> None:
        """Note whose an order is now, known or not yet; the first one stands. Durable on return."""
        ...

    async def owner_of_order(self, order_id: str) -> OrderOwner | None:
        """The account that has claimed a guest's order."""
        ...

    async def offer(self, record_id: str, *, owner_key: str, code_key: str, until: datetime) -> bool:
        """Note that its owner hands a record on to whoever has the code; the newest code counts. Durable on return.

        False where the record is not this owner's.
        """
        ...

    async def withdraw_offer(self, record_id: str, *, owner_key: str) -> None:
        """The code is worth nothing any more. Durable on return."""
        ...

    async def offered(self, code_key: str, now: datetime) -> PurchaseRecord | None:
        """The record that this code, which has not run out, would hand on."""
        ...

    async def hand_on(self, code_key: str, owner: Owner, *, at: datetime, unclaimed_since: datetime) -> None:
        """Give the record that this code is of to another owner: once, whoever else tries, and not where somebody has
        begun to claim it from `unclaimed_since` on. Durable on return.
        """
        ...

    async def begin_claim(self, record_id: str, *, owner_key: str, at: datetime) -> bool:
        """Note that its owner begins to claim a record, so that it is not handed on meanwhile. Durable on return.

        False where the record is not this owner's.
        """
        ...

    async def taken(self, code_key: str, owner_key: str) -> PurchaseRecord | None:
        """The owner's record that was handed on by this code."""
        ...

    async def number(self, record_id: str, serial: str, *, at: datetime) -> None:
        """Note the serial number of the unit that was shipped at this moment for an item, known or not yet.

        The last parcel's is the item's; earlier ones stay known. Durable on return.
        """
        ...

    async def note_delivered(self, order_id: str, *, at: datetime) -> None:
        """Note when an order arrived, known or not yet; the first moment stands. Durable on return."""
        ...

    async def extend(self, record_id: str, claim_id: str, days: int) -> None:
        """Note by how many days a claim's repair has made the cover longer; once for each claim. Durable on return."""
        ...

    async def note_paid_back(self, record_id: str, claim_id: str) -> None:
        """Note that a claim ended with the item's price. Durable on return."""
        ...

    async def serials(self, record_id: str) -> list[Shipped]:
        """Every unit that was ever shipped for an item, in the order of their parcels."""
        ...

    async def note_cancelled(self, order_id: str, *, at: datetime) -> None:
        """Note that an order was cancelled, known or not yet; the first moment stands. Durable on return."""
        ...

    async def note_refunded(self, order_id: str, refunded_minor: int) -> None:
        """Note how much of an order has gone back in all, known or not yet; the highest stands. Durable on return."""
        ...

    async def count(self) -> int:
        """How many records there are, exactly."""
        ...

    async def count_by_day(self, since: datetime) -> list[DayCount]:
        """Items by day of purchase (the shop's calendar), from `since` on, oldest day first, days without omitted."""
        ...
