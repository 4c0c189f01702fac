"""The block list: marks of cards, addresses and networks whose orders are refused, each with who put it there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.orders.screening.domain import Kind
from shared.errors import NotFound


class BlockNotFound(NotFound):
    """There is no such entry on the block list."""

    code = "block-not-found"


@dataclass(frozen=True, slots=True)
class Block:
    """One entry. `mark` is a keyed hash, `by` "staff:<account id>" or "command"; `note` names the order, if any."""

    kind: Kind
    mark: str
    by: str
    at: datetime
    note: str = ""

    @property
    def id(self) -> str:
        """Its name in the API."""
        return f"{self.kind.value}-{self.mark}"


class Blocks(Protocol):
    """The list."""

    async def add(self, block: Block) -> None:
        """Put it there; what is there already stays as it is. Durable on return."""

    async def remove(self, block_id: str) -> bool:
        """Take it away; whether it was there. Durable on return."""

    async def entries(self, *, behind: str, limit: int) -> Sequence[Block]:
        """Entries in the order of their ids, from behind `behind` ("" for the first)."""
