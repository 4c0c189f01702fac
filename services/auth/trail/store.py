"""What the audit trail is asked of its store."""

from typing import Protocol

from services.auth.trail.domain import Entry, Note
from services.auth.trail.verify import Report


class Trail(Protocol):
    """Append-only, one chain for each account. Holds across processes."""

    async def append(self, account_id: str, note: Note, *, key: str = "") -> bool:
        """Add an entry. Durable on return.

        Args:
            account_id: whose chain.
            note: what happened.
            key: the natural key of what is noted once, however often it is told; "" where each call is one more.

        Returns:
            Whether it was added: False where there is an entry with this key.

        Raises:
            TransientError: the database is away, or nobody knows.
        """
        ...

    async def of_account(self, account_id: str, *, limit: int, before: int = 0) -> list[Entry]:
        """The latest entries of an account, newest first; those numbered below `before` where it is not 0."""
        ...


class CarriedNotes(Protocol):
    """Notes that documents carry until they are in the trail; see `services.auth.trail.pending`."""

    async def settled(self) -> None:
        """Wait until what this process has written before is in the trail; but not for ever."""
        ...

    async def sweep(self) -> None:
        """Append what other processes have left behind.

        Raises:
            TransientError: the database is away; the next turn goes on.
        """
        ...


class Audit(Protocol):
    """What shows that the trail is whole."""

    async def anchor(self) -> list[bytes]:
        """Anchor every chain that has grown since the last anchor; the hashes of the anchors made, often one or none.

        Raises:
            TransientError: the database is away.
        """
        ...

    async def newest_anchor(self) -> bytes:
        """The hash of the last anchor, which stands for all before it too; b"" where there is none.

        Raises:
            TransientError: the database is away.
        """
        ...

    async def verify(self, *, expected: str = "") -> Report:
        """Check every chain and every anchor.

        Args:
            expected: hexadecimal hash of an anchor, from the log; one that is not there is a fault.

        Raises:
            TransientError: the database is away.
        """
        ...
