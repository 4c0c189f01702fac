"""What the audit trail is asked of its store."""

from typing import Protocol

from services.auth.trail.domain import Note


class Trail(Protocol):
    """Append-only, one chain for each account."""

    async def append(self, account_id: str, note: Note) -> None:
        """Add an entry. Durable on return.

        Raises:
            TransientError: the database is away.
        """
        ...

    async def of_account(self, account_id: str, *, limit: int) -> list[Note]:
        """The latest entries of an account, newest first."""
        ...
