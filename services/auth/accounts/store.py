"""What accounts are asked of their store. What is saved leaves with its events in one write, or not at all."""

from collections.abc import Sequence
from typing import Protocol

from services.auth.accounts.domain import Account
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

    async def staff(self) -> list[Account]:
        """Everybody with a role beyond customer, oldest first."""
        ...

    async def add(self, account: Account, events: Sequence[Event]) -> None:
        """Store a new account.

        Raises:
            AddressTaken: the address has one.
        """
        ...

    async def save(self, account: Account, events: Sequence[Event]) -> Account:
        """Store what has changed, if nobody else has since it was read; return it with its new version.

        Raises:
            AccountChanged: somebody else was quicker.
        """
        ...
