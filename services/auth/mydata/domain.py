"""An export and an erasure, and what has come in of each. No I/O, no clock, no randomness."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from shared.contracts.persons import Erased, Kept
from shared.events import Event
from shared.topology import ASKED

SERVICES = ("auth", *ASKED)
"""Whose answers make an export or a receipt complete."""
READY_FOR = timedelta(hours=24)
"""How long an archive can be fetched; then its content is removed."""
GATHERED_WITHIN = timedelta(days=7)
"""A service may be away for long; an export that is not complete by then is given up."""
RECEIPT_KEPT = timedelta(days=366)
ExportStatus = Literal["collecting", "ready", "expired"]
ErasureStatus = Literal["running", "complete"]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Which parts of one service's answer are there, of how many."""

    parts: int
    seen: frozenset[int] = frozenset()

    @property
    def is_complete(self) -> bool:
        """None is missing."""
        return len(self.seen) >= self.parts


@dataclass(frozen=True, slots=True)
class Export:
    """A copy that somebody has asked for. Its parts are kept beside it, sealed under the person's data key."""

    id: str
    account_id: str
    requested_at: datetime
    expires_at: datetime
    gathered: Mapping[str, Gathered] = field(default_factory=dict)
    ready_at: datetime | None = None

    def status(self, now: datetime) -> ExportStatus:
        """How it stands."""
        if now >= self.expires_at:
            return "expired"
        return "collecting" if self.ready_at is None else "ready"

    def has_all_of(self, service: str) -> bool:
        """Whether a service's answer is complete."""
        return service in self.gathered and self.gathered[service].is_complete

    @property
    def is_gathered(self) -> bool:
        """Whether all four have answered in full."""
        return all(self.has_all_of(service) for service in SERVICES)

    def finish(self, at: datetime) -> "Export":
        """Ready to be fetched, for a day."""
        return replace(self, ready_at=at, expires_at=at + READY_FOR)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of one service's answer; `box` is sealed under the person's data key."""

    service: str
    number: int
    box: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one service has erased and what it keeps: codes and numbers."""

    erased: tuple[Erased, ...] = ()
    kept: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure and its receipt. `account_id` and `mail` are there until it is complete, and nobody's name ever.

    `token_hash` is the SHA-256 of what shows the receipt. `mail` is the last word to the person, sealed to mailer
    while the address was still known.
    """

    id: str
    token_hash: bytes
    asked_at: datetime
    account_id: str = ""
    mail: Event | None = None
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    completed_at: datetime | None = None

    @property
    def is_answered(self) -> bool:
        """Whether all four have."""
        return all(service in self.outcomes for service in SERVICES)

    @property
    def status(self) -> ErasureStatus:
        """How it stands."""
        return "running" if self.completed_at is None else "complete"
