"""The sandbox's own book: one entry for each order id, written once."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from services.orders.payments.provider import Charge, Outcome


class Ledger(Protocol):
    """Entries by order id."""

    async def enter(self, charge: Charge) -> Charge:
        """Write the entry, unless the id has one already; the entry that counts is returned."""

    async def find(self, order_id: str) -> Charge | None:
        """The entry of an order, if there is one."""

    async def entries(self, *, behind: str, limit: int) -> Sequence[Charge]:
        """Entries in the order of their ids, from behind `behind` ("" for the first)."""

    async def counts(self) -> Mapping[Outcome, int]:
        """How many entries there are of each outcome."""
