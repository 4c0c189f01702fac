"""Acknowledgements, gathered: what settles in one turn of the loop leaves in as few frames as can be.

An AMQP acknowledgement may cover all deliveries up to its tag (`multiple`), but only where every one of them is
settled. A slow handler never holds back the acknowledgements of those behind it: they leave one by one.
"""

import asyncio
from collections.abc import Awaitable, Callable

Send = Callable[[int, bool], Awaitable[None]]


class Acks:
    """The open delivery tags of one channel. Tags rise from 1, in the order of delivery."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._open: set[int] = set()
        self._settled: set[int] = set()
        self._flushing: asyncio.Task[None] | None = None

    def opened(self, tag: int) -> None:
        """A delivery has arrived."""
        self._open.add(tag)

    def settle(self, tag: int) -> None:
        """Its work is done: acknowledge it with the next flush, which follows at once."""
        self._open.discard(tag)
        self._settled.add(tag)
        if self._flushing is None or self._flushing.done():
            # Not a stray task: `flush` awaits it, and it ends by itself with the tags that it sends.
            self._flushing = asyncio.create_task(self._flush())

    def forget(self, tag: int) -> None:
        """It was settled in another way."""
        self._open.discard(tag)

    async def flush(self) -> None:
        """Send what is settled, and return when it is on its way."""
        if self._flushing is not None:
            await self._flushing
        await self._flush()

    async def _flush(self) -> None:
        await asyncio.sleep(0)
        while self._settled:
            settled, self._settled = self._settled, set()
            oldest_open = min(self._open, default=max(settled) + 1)
            if covered := [tag for tag in settled if tag < oldest_open]:
                await self._send(max(covered), len(covered) > 1)
            for tag in sorted(settled - set(covered)):
                await self._send(tag, False)
