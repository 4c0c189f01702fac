"""Any provider, with an end to every wait: what it does not say in time is unknown, and is asked again later."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import datetime
from typing import TypeVar

from services.orders.payments.provider import Card, Charge, ChargeRequest, Provider
from shared.errors import TransientError

AnswerT = TypeVar("AnswerT")


class Bounded:
    """`Provider` around another one: each call ends within `timeout_s` seconds, with `TransientError` at the latest."""

    def __init__(self, provider: Provider, *, timeout_s: float) -> None:
        self._provider = provider
        self._timeout_s = timeout_s

    async def charge(self, wanted: ChargeRequest, *, card: Card) -> Charge:
        """See `Provider.charge`."""
        return await self._in_time(self._provider.charge(wanted, card=card))

    async def lookup(self, order_id: str) -> Charge | None:
        """See `Provider.lookup`."""
        return await self._in_time(self._provider.lookup(order_id))

    async def void(self, order_id: str) -> Charge:
        """See `Provider.void`."""
        return await self._in_time(self._provider.void(order_id))

    async def capture(self, order_id: str) -> Charge:
        """See `Provider.capture`."""
        return await self._in_time(self._provider.capture(order_id))

    async def refund(self, order_id: str, refund_id: str, *, amount_minor: int) -> None:
        """See `Provider.refund`."""
        await self._in_time(self._provider.refund(order_id, refund_id, amount_minor=amount_minor))

    async def sent_back(self, reference: str, refund_id: str) -> str:
        """See `Provider.sent_back`."""
        return await self._in_time(self._provider.sent_back(reference, refund_id))

    def charges(self, *, since: datetime | None = None) -> AsyncIterator[Charge]:
        """See `Provider.charges`; each page of the ledger has its own limit, the whole has none."""
        return self._provider.charges(since=since)

    async def _in_time(self, answer: Awaitable[AnswerT]) -> AnswerT:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await answer
        except TimeoutError:
            raise TransientError("the payment provider did not answer in time") from None
