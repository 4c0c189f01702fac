"""The sandbox's own book: one entry for each order id, and its refunds in it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from services.orders.payments.provider import Charge, Outcome

UNDECIDED = frozenset({Outcome.AUTHORISED, Outcome.NEEDS_ACTION})


class Ledger(Protocol):
    """Entries by order id."""

    async def enter(self, charge: Charge) -> Charge:
        """Write the entry, unless the id has one already; the entry that counts is returned."""

    async def end(
        self, order_id: str, outcome: Outcome, *, reason: str = "", standing: Collection[Outcome] = UNDECIDED
    ) -> Charge:
        """Give an entry whose outcome is among `standing` its next one; the entry that counts is returned.

        Every other entry stays as it is.

        Raises:
            TransientError: the id has no entry yet.
        """

    async def refund(self, order_id: str, refund_id: str, amount_minor: int) -> bool:
        """Enter a refund unless it is there already; False where the charge does not have as much left."""

    async def find(self, order_id: str) -> Charge | None:
        """The entry of an order, if there is one."""

    async def entries(self, *, behind: str, limit: int, newest_first: bool = False) -> Sequence[Charge]:
        """Entries in the order of their ids, or in the reverse one, from behind `behind` ("" for the first)."""

    async def counts(self) -> Mapping[Outcome, int]:
        """How many entries there are of each outcome."""
