"""What exports and erasures are asked of their stores."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.auth.accounts.domain import Account
from services.auth.mydata.domain import Erasure, Export, Outcome, Part
from services.auth.trail.pending import Noted
from shared.events import Event


class Exports(Protocol):
    """Exports with their parts. All of it leaves by itself when its time is over."""

    async def add(self, export: Export, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> None:
        """Store a new export with its event and its notes.

        Raises:
            ExportRunning: another one of the account is not ready yet.
        """
        ...

    async def find(self, account_id: str, export_id: str) -> Export | None:
        """One of the account's own."""
        ...

    async def of_account(self, account_id: str) -> list[Export]:
        """The account's exports, newest first."""
        ...

    async def put(self, export: Export, part: Part) -> None:
        """Keep a part, in place of the same one from before. Durable on return."""
        ...

    async def parts(self, export_id: str) -> list[Part]:
        """All parts, by service and number."""
        ...

    async def note(self, export_id: str, service: str, *, part: int, of: int) -> Export | None:
        """A part is there; the export as it then is, or nothing where there is none."""
        ...

    async def finish(self, export: Export, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> bool:
        """Make it ready, as `Export.finish` decided, once; events and notes leave with that write.

        Whether this call did.
        """
        ...

    async def drop(self, account_id: str) -> int:
        """Remove everything of an account; how many exports there were. Durable on return.

        An export that still carries notes stays until the next call, without its parts.
        """
        ...


class Erasures(Protocol):
    """Erasures: begun in the account's own document, then a receipt that names nobody."""

    async def begin(
        self, account: Account, erasure: Erasure, events: Sequence[Event], *, notes: Sequence[Noted] = ()
    ) -> None:
        """Turn the account into one that is being erased, in one write with the events and the notes.

        From then on nobody finds it by its address, which is free for another account.

        Raises:
            AccountChanged: somebody else has changed it since it was read, or is erasing it.
        """
        ...

    async def begun(self, *, limit: int) -> list[Erasure]:
        """Erasures whose accounts' documents are still there, oldest first."""
        ...

    async def find_begun(self, account_id: str) -> Erasure | None:
        """The erasure that the account's document carries."""
        ...

    async def open(self, erasure: Erasure) -> bool:
        """Begin the receipt, unless it is there; whether this call did it. Durable on return."""
        ...

    async def find_by_token(self, token_hash: bytes) -> Erasure | None:
        """The erasure whose receipt this token shows."""
        ...

    async def note(self, erasure_id: str, service: str, outcome: Outcome) -> Erasure | None:
        """Keep the first answer of a service; the erasure as it then is, or nothing where there is none."""
        ...

    async def complete(self, erasure_id: str, *, at: datetime, notes: Sequence[Noted] = ()) -> bool:
        """End it, once: mail and notes leave with this write, and with it goes the account's id.

        Whether this call did.
        """
        ...
