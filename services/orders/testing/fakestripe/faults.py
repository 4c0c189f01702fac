"""What may go wrong between Stripe and us, by switch: once for each order to break, at the operation it names."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from enum import Enum


class Fault(Enum):
    """What happens to a call."""

    ERROR = "500, and nothing was done"
    BUSY = "429, and nothing was done"
    CUT = "the connection ends, and nothing was done"
    SILENT = "no answer, and nothing was done"
    ERROR_AFTER = "500, but it was done"
    CUT_AFTER = "the connection ends, but it was done"
    SILENT_AFTER = "no answer, but it was done"
    LATE = "no answer, and it is done when the caller has given up"


AFTER = frozenset({Fault.ERROR_AFTER, Fault.CUT_AFTER, Fault.SILENT_AFTER})


@dataclass
class Faults:
    """Faults that wait for their call. Operations: create, confirm, capture, cancel, refund, retrieve, list."""

    waiting: dict[str, deque[Fault]] = field(default_factory=dict)
    callers_gave_up: asyncio.Event = field(default_factory=asyncio.Event)

    def plan(self, operation: str, *faults: Fault) -> None:
        """The next calls of the operation meet these."""
        self.waiting.setdefault(operation, deque()).extend(faults)

    def next(self, operation: str) -> Fault | None:
        """What this call meets."""
        planned = self.waiting.get(operation)
        return planned.popleft() if planned else None
