"""Where quotes are kept until they are over."""

from typing import Protocol

from services.orders.quotes.domain import GivenQuote


class Quotes(Protocol):
    """Quotes by id. What is over may be gone."""

    async def add(self, given: GivenQuote) -> None:
        """Keep a new one."""

    async def find(self, quote_id: str) -> GivenQuote | None:
        """The quote, if it is there; it may be over."""
