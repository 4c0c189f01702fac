"""taskiq on aio-pika, no results. `python -m bench.others.taskiq_app FILE` sends a task a line."""

import asyncio
import os
import sys
from functools import cache
from pathlib import Path

from taskiq import TaskiqEvents, TaskiqState
from taskiq_aio_pika import AioPikaBroker, Queue

from bench.others.work import AsyncRecorder

broker = AioPikaBroker(os.environ["RAW_AMQP"], qos=200, task_queues=[Queue(name="others.taskiq", durable=True)])


@cache
def recorder() -> AsyncRecorder:
    """One for each process, opened on its loop."""
    return AsyncRecorder()


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def _begin(_state: TaskiqState) -> None:
    recorder()


@broker.task(task_name="record")
async def record(body: str) -> None:
    await recorder().record(body.encode())


async def _send(lines: list[str]) -> None:
    await broker.startup()
    for first in range(0, len(lines), 100):
        await asyncio.gather(*(record.kiq(line) for line in lines[first : first + 100]))
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(_send(Path(sys.argv[1]).read_text().splitlines()))
