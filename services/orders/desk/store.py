"""Where it is kept who of the staff has seen which person's data, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.events import Event

COLLECTION = "accesses"


@dataclass(frozen=True, slots=True)
class Access:
    """One look. `account_id` is empty where a guest ordered; `reason` is sealed under the buyer's key."""

    id: str
    order_id: str
    account_id: str
    staff_id: str
    roles: tuple[str, ...]
    what: str
    accessed_at: datetime
    reason: bytes


class Accesses(Protocol):
    """Looks; none is ever changed or removed."""

    async def add(self, access: Access, events: Sequence[Event]) -> None:
        """Keep a look, and what it announces, in one write. Durable on return.

        Raises:
            TransientError: not kept, or nobody knows; then nothing may be shown.
        """

    async def of_order(self, order_id: str) -> Sequence[Access]:
        """All looks at an order, oldest first."""
