"""Where orders are kept. Every step is one write, and carries its events."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.orders.life.domain import Order
from services.orders.life.steps import Status
from shared.events import Event

COLLECTION = "orders"


class KeyTaken(Exception):
    """An order has this attempt's key already."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which orders are listed: of this number, of this status, or those that need attention (see `Order`)."""

    number: str = ""
    status: Status | None = None
    needs_attention: bool = False


EVERY = Filter()


class Orders(Protocol):
    """The store of orders."""

    async def add(self, order: Order) -> None:
        """Store a new order.

        Raises:
            KeyTaken: an order with the same `attempt.key` is there; nothing was stored.
            TransientError: nobody knows whether it was stored.
        """

    async def save(self, order: Order, events: Sequence[Event] = ()) -> Order | None:
        """Store the order's next state with its events in one write, where nobody has written since it was read.

        What never changes is left alone: what was bought, by whom, with which card.

        Returns:
            The order as stored, its version counted up; `None` where `order.version` has moved, or the order is gone:
            nothing is changed then.

        Raises:
            SerialTaken: another unit has one of the order's serial numbers; nothing is changed.
        """

    async def claim(self, order: Order, events: Sequence[Event]) -> Order | None:
        """As `save`, and with it whose order it is: account, what is sealed under whose key, no `contact_key`."""

    async def withdraw(self, order_id: str) -> None:
        """Remove an order for which no charge was ever asked, where it is still `charging`."""

    async def get(self, order_id: str) -> Order:
        """One order.

        Raises:
            OrderNotFound: there is none.
        """

    async def find(self, order_id: str) -> Order | None:
        """One order, if there is one."""

    async def find_by_key(self, key: str) -> Order | None:
        """The order of an attempt, if there is one."""

    async def statuses(self, order_ids: Collection[str]) -> Mapping[str, Status]:
        """The status of each of these orders that is there."""

    async def standing_since(
        self, status: Status, moment: datetime, *, limit: int, behind: str = ""
    ) -> Sequence[Order]:
        """Orders of a status that were created before `moment`, oldest first, from behind the id `behind`."""

    async def unfinished(self, *, limit: int, behind: str = "") -> Sequence[Order]:
        """Orders whose last step has promised what is not done yet, in the order of their ids, from behind `behind`."""

    async def of_guest(self, contact_key: str, *, limit: int) -> Sequence[Order]:
        """A guest's orders that were placed (`steps.PLACED`), newest first: mere attempts push none of them out."""

    async def of_account(self, account_id: str, *, before: str, limit: int) -> Sequence[Order]:
        """An account's orders but the failed, newest first, from behind the id `before` ("" for the newest).

        A failed order is an attempt that came to nothing and whose key bought anew: to its buyer, no order at all.
        """

    async def every_of_account(self, account_id: str, *, before: str, limit: int) -> Sequence[Order]:
        """As `of_account`, with the failed: all that there is of this account."""

    async def count_of_account(self, account_id: str) -> int:
        """How many orders of an account there are, with the failed."""

    async def forget_cards(self, account_id: str) -> None:
        """Remove by what an account's orders are recognised as of one hand; the orders stay."""

    async def newest(self, *, before: str, limit: int, only: Filter = EVERY) -> Sequence[Order]:
        """All orders that `only` lets pass, newest first, from behind the id `before` ("" for the newest)."""

    async def counts(self) -> Mapping[Status, int]:
        """How many orders there are in each status."""
