"""FastStream on RabbitMQ. `python -m bench.others.faststream_app FILE` publishes a message a line."""

import asyncio
import os
import sys
from functools import cache
from pathlib import Path

from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitMessage, RabbitQueue

from bench.others.work import AsyncRecorder

broker = RabbitBroker(os.environ["RAW_AMQP"], default_channel=Channel(prefetch_count=200))
app = FastStream(broker)
QUEUE = RabbitQueue("others.faststream", durable=True)


@cache
def recorder() -> AsyncRecorder:
    """One for each process, opened on its loop."""
    return AsyncRecorder()


@broker.subscriber(QUEUE, ack_policy=AckPolicy.NACK_ON_ERROR)
async def record(message: RabbitMessage) -> None:
    await recorder().record(message.body)


async def _send(lines: list[str]) -> None:
    async with broker:
        await broker.declare_queue(QUEUE)
        for first in range(0, len(lines), 100):
            await asyncio.gather(
                *(broker.publish(line, queue=QUEUE, persist=True) for line in lines[first : first + 100])
            )


if __name__ == "__main__":
    asyncio.run(_send(Path(sys.argv[1]).read_text().splitlines()))
