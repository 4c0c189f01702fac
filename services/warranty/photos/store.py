"""What photos ask of their store. It sees sealed pieces only, and to which claim they belong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.warranty.photos.pieces import PhotoName


@dataclass(frozen=True, slots=True)
class Stray:
    """A file that nobody has said is kept: its claim may know it, or whoever stored it has died before."""

    file: str
    claim_id: str


class Photos(Protocol):
    """Photos in sealed pieces."""

    async def put(self, file: str, name: PhotoName, pieces: Sequence[bytes], *, at: datetime) -> None:
        """Store a photo, for the time being: from `at` on it is a stray one. Durable on return."""
        ...

    async def keep(self, file: str) -> None:
        """A claim has it now. Durable on return; forgotten, it is told again by whoever finds a stray one."""
        ...

    async def doubt(self, file: str, *, at: datetime) -> None:
        """Its claim may soon name it no longer: a stray one again. Durable on return."""
        ...

    async def read(self, file: str) -> list[bytes] | None:
        """The pieces in their order."""
        ...

    async def remove(self, files: Sequence[str]) -> None:
        """Remove photos; safe to do again. Durable on return."""
        ...

    async def remove_of(self, claim_ids: Sequence[str]) -> None:
        """Remove every photo of these claims, also those that are not kept yet. Durable on return."""
        ...

    async def strays(self, before: datetime, *, limit: int) -> list[Stray]:
        """Photos stored before then that are not kept."""
        ...
