"""Consumes a queue and notes when each event came: a process of its own, so that no load is generated in between.

`python -m bench.arrivals AMQP_URL QUEUE` prints "ready", then `["<subject>", <Unix time>]` a line.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import aiormq
import uvloop

PREFETCH = 200
ACKED_AT_ONCE = 32
"""Deliveries that one acknowledgement settles, as the consumers of the services do."""


async def consume(url: str, queue: str) -> None:
    """Until it is ended."""
    connection = await aiormq.connect(url)
    channel = await connection.channel()
    await channel.basic_qos(prefetch_count=PREFETCH)

    async def note(message: Any) -> None:
        came_at = time.time()
        print(json.dumps([json.loads(message.body)["subject"], came_at]), flush=True)
        if message.delivery.delivery_tag % ACKED_AT_ONCE == 0:
            await channel.basic_ack(message.delivery.delivery_tag, multiple=True)

    await channel.basic_consume(queue, note)
    print("ready", flush=True)
    await connection.closing


def main(argv: Sequence[str]) -> int:
    url, queue = argv
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(consume(url, queue))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
