"""Every event that was published while a block ran, published again, in any order: what is delivered at least once."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from shared.topology import EXCHANGE

TIMES = 3
Repeat = Callable[[], Awaitable[int]]


@asynccontextmanager
async def listening(url: str, dice: random.Random) -> AsyncIterator[Repeat]:
    """What it gives publishes each event so far three times more, shuffled, and says how many it published."""
    async with await aio_pika.connect(url, timeout=5) as broker:
        channel = await broker.channel(publisher_confirms=True)
        exchange = await channel.get_exchange(EXCHANGE, ensure=False)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "#")

        async def repeat() -> int:
            events: list[AbstractIncomingMessage] = []
            while (message := await queue.get(no_ack=True, fail=False, timeout=5)) is not None:
                events.append(message)
            known = {event.message_id: event for event in events}
            again = list(known.values()) * TIMES
            dice.shuffle(again)
            for event in again:
                copy = aio_pika.Message(
                    event.body, message_id=event.message_id, type=event.type, content_type=event.content_type,
                    headers=event.headers, delivery_mode=event.delivery_mode,
                )  # fmt: skip
                await exchange.publish(copy, event.routing_key or "", timeout=10)
            return len(again)

        yield repeat
