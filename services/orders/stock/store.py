"""Stock and the holds on it.

A hold is taken with the count, in one write of one document: the count goes down and the order's id goes in. As long as
the hold stands, the count can be given back, once; when the hold is forgotten, the units are sold. So nothing has to be
guessed after a crash:

- a hold is taken only for an order that is stored already, so its order tells what is to become of it;
- giving back is conditional on the hold, so that two who do it at once do it once;
- a paid order's hold is forgotten by a later write to the same document, or by the sweep.

What was sold may come back, where its order is cancelled, and a replacement takes a unit without a charge. Both happen
once for each order: the count moves in the write that marks it, and only where the mark is not there yet. The order
says when it is done; a mark is forgotten long after that, when no such write can still be on its way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.errors import DomainError, ErrorKind, FieldError, NotFound


@dataclass(frozen=True, slots=True)
class Wanted:
    """Units of one product that an order wants."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Units of one product that are kept back for one order since `held_at`."""

    sku: str
    order_id: str
    quantity: int
    held_at: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """The count of one product was moved for one order, under `kind`, at `marked_at`."""

    sku: str
    order_id: str
    kind: str
    marked_at: datetime


class SoldOut(DomainError):
    """There are not enough of a product left."""

    kind = ErrorKind.CONFLICT
    code = "sold-out"

    @classmethod
    def at(cls, lines: Sequence[int]) -> "SoldOut":
        """Name the lines, counted from 0, that cannot be had."""
        return cls(
            "There are not enough of these left.",
            fields=[
                FieldError(f"/lines/{line}/quantity", cls.code, "There are not enough of these left.") for line in lines
            ],
        )


class TooFew(DomainError):
    """There are not so many that are free to be taken away."""

    kind = ErrorKind.CONFLICT
    code = "too-few"


class NotCounted(NotFound):
    """No such product is in stock, nor ever was."""

    code = "not-counted"


class Stock(Protocol):
    """The counts and the holds."""

    async def reserve(self, order_id: str, wanted: Sequence[Wanted], *, at: datetime) -> None:
        """Hold every line for an order that is stored already, or none of them. SKUs must differ.

        Raises:
            SoldOut: some line cannot be had; what the others held has been given back.
            TransientError: nobody knows what is held; the order's end will tell.
        """

    async def release(self, order_id: str, wanted: Sequence[Wanted]) -> None:
        """Give back what the order still holds of these; nothing where it holds nothing."""

    def sold(self, order_id: str, wanted: Sequence[Wanted]) -> None:
        """The order is paid: forget its holds with the next write to these products. Does no I/O, may be lost."""

    async def holds_before(self, moment: datetime, *, limit: int) -> Sequence[Hold]:
        """Holds that were taken before `moment`."""

    async def forget(self, sku: str, order_ids: Sequence[str]) -> None:
        """These orders are paid: the units that they hold of this product are sold."""

    async def give_back(self, order_id: str, wanted: Sequence[Wanted], *, at: datetime) -> None:
        """Units of an order that ended come back, once, whether they were still held or sold."""

    async def take(self, order_id: str, wanted: Sequence[Wanted], *, at: datetime) -> None:
        """Take units for an order that is stored already and has no charge, once.

        Raises:
            SoldOut: some line cannot be had; what was taken of the others stays taken until it is given back.
        """

    async def marks_before(self, moment: datetime, *, limit: int) -> Sequence[Mark]:
        """What `give_back` and `take` marked before `moment`."""

    async def forget_mark(self, mark: Mark) -> None:
        """Nothing about this order is on its way any more."""

    async def adjust(self, sku: str, change: int) -> int:
        """So many more came in, or (below 0) were lost. Units that are held stay held.

        Returns:
            How many are free to be sold now.

        Raises:
            NotCounted: no such product.
            TooFew: fewer than that are free; nothing has changed.
        """

    async def recount(self, sku: str, count: int) -> int:
        """From now on so many are free to be sold, beside those that are held; `count` is not below 0.

        Raises:
            NotCounted: no such product.
        """
