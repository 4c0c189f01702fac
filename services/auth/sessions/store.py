"""What sessions and remembered browsers are asked of their stores.

Those that end stay for a day as documents that nobody finds: they may still carry notes for the trail.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.auth.sessions.domain import Session
from services.auth.sessions.remembered import RememberedBrowser
from services.auth.trail.pending import Noted
from shared.events import Event


class Sessions(Protocol):
    """Sessions by the hash of their token."""

    async def find(self, key: bytes) -> Session | None:
        """The session of this token, live or not, unless it was ended. The hottest read of all."""
        ...

    async def find_by_id(self, account_id: str, session_id: str) -> Session | None:
        """One of the account's own sessions, by its public id."""
        ...

    async def of_account(self, account_id: str) -> list[Session]:
        """All sessions of an account, the one seen last first."""
        ...

    async def add(self, session: Session, *, notes: Sequence[Noted] = ()) -> None:
        """Store a session with its notes; one that is there already, under the same key, stays as it is."""
        ...

    async def end(self, key: bytes, *, at: datetime, notes: Sequence[Noted] = ()) -> bool:
        """End one session, if there is one, with these notes in that write; whether this call did it."""
        ...

    async def end_series(self, series: str, *, at: datetime, keep: bytes | None = None) -> None:
        """End all sessions of a remembered browser, but not the one with the key `keep`."""
        ...

    async def end_account(
        self, account_id: str, *, at: datetime, keep: bytes | None = None, notes: Sequence[Noted] = ()
    ) -> None:
        """End all sessions of an account, but not the one with the key `keep`; each carries these notes."""
        ...

    async def forget_account(self, account_id: str) -> None:
        """Remove all sessions of an account that have ended; one that carries notes stays until the next call."""
        ...

    async def confirm(self, key: bytes, *, at: datetime, notes: Sequence[Noted] = ()) -> bool:
        """The password was given again in this session; whether there still is one."""
        ...

    async def mark_seen(self, seen: Sequence[tuple[bytes, datetime]]) -> None:
        """Move `seen_at` forward, never back; sessions that are gone stay gone."""
        ...


class RememberedBrowsers(Protocol):
    """The series behind remember-me cookies."""

    async def find(self, series: str) -> RememberedBrowser | None:
        """The series, ended or not."""
        ...

    async def of_account(self, account_id: str) -> list[RememberedBrowser]:
        """All series of an account, ended or not, newest first."""
        ...

    async def add(self, browser: RememberedBrowser) -> None:
        """Store a new series."""
        ...

    async def rotate(self, rotated: RememberedBrowser) -> RememberedBrowser | None:
        """Make `rotated.former` the former value if it is still the current one; the series as it is afterwards.

        Of many that come with the same value, one rotates, and all are answered with what it made.
        """
        ...

    async def end(self, series: str, events: Sequence[Event], *, at: datetime, notes: Sequence[Noted] = ()) -> bool:
        """End a series that has not ended; whether this call did it. Its events and notes leave with that write."""
        ...

    async def end_account(
        self, account_id: str, *, at: datetime, keep: str | None = None, notes: Sequence[Noted] = ()
    ) -> None:
        """End all series of an account, but not the one named `keep`; each carries these notes."""
        ...

    async def forget_account(self, account_id: str) -> None:
        """Remove all series of an account; one that still carries events or notes stays until the next call."""
        ...
