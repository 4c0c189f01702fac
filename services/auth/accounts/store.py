"""What accounts are asked of their store.

What is saved leaves with its events and its notes for the trail in one write, or not at all.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.auth.accounts.domain import Account, Reset
from services.auth.trail.pending import Noted
from shared.events import Event


class Accounts(Protocol):
    """Accounts, one for each address."""

    async def get(self, account_id: str) -> Account:
        """The account of this id.

        Raises:
            AccountNotFound: there is none.
        """
        ...

    async def find_by_email(self, email_key: str) -> Account | None:
        """The account of the address with this blind index."""
        ...

    async def find_by_proof(self, token_hash: bytes) -> Account | None:
        """The account with a registration whose link has this token, or that was verified by it."""
        ...

    async def find_by_email_token(self, token_hash: bytes) -> Account | None:
        """The account with a change of address that this token confirms or approves, or has."""
        ...

    async def staff(self) -> list[Account]:
        """Everybody with a role beyond customer, oldest first."""
        ...

    async def add(self, account: Account, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> None:
        """Store a new account.

        Raises:
            AddressTaken: the address has one.
        """
        ...

    async def save(self, account: Account, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> Account:
        """Store what has changed, if nobody else has since it was read; return it with its new version.

        Raises:
            AccountChanged: somebody else was quicker, or the account is gone.
            AddressTaken: its new address has an account.
        """
        ...

    async def abandoned(self, *, at: datetime, limit: int) -> list[Account]:
        """Accounts that nobody has proven and nobody can any more, and that carry nothing; oldest first."""
        ...

    async def remove(self, account: Account) -> bool:
        """Remove the account for ever, if nobody has changed it since it was read.

        One that still carries events or notes stays.
        """
        ...

    async def forget_email_changes(self, *, at: datetime) -> int:
        """Drop the changes of address whose time is over, agreed or not; how many."""
        ...


class Resets(Protocol):
    """Tokens for forgotten passwords. They leave by themselves a day after their time is over."""

    async def add(self, reset: Reset, events: Sequence[Event]) -> None:
        """Store a token with the mail that carries it, in one write."""
        ...

    async def find(self, token_hash: bytes) -> Reset | None:
        """The token, in time or not."""
        ...

    async def forget_account(self, account_id: str) -> None:
        """Remove all of an account that is erased."""
        ...
