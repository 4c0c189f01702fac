"""A message that was given up, for as long as a block runs."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import aio_pika

from shared.topology import dead_queue

_BODY = b"given up by a saboteur"
_QUEUE = dead_queue("auth")


@contextmanager
def a_dead_letter(data: Mapping[str, Any]) -> Iterator[None]:
    """It lies among auth's dead letters; no other one is touched."""
    asyncio.run(_put(data["amqp"]))
    try:
        yield
    finally:
        asyncio.run(_take(data["amqp"]))


async def _put(url: str) -> None:
    async with await aio_pika.connect(url, timeout=5) as broker:
        channel = await broker.channel()
        await channel.default_exchange.publish(aio_pika.Message(_BODY), routing_key=_QUEUE, timeout=5)


async def _take(url: str) -> None:
    async with await aio_pika.connect(url, timeout=5) as broker:
        channel = await broker.channel()
        queue = await channel.get_queue(_QUEUE, ensure=False)
        others = []
        while (message := await queue.get(fail=False, timeout=5)) is not None:
            if message.body == _BODY:
                await message.ack()
                break
            others.append(message)
        for message in others:
            await message.reject(requeue=True)
