"""Dramatiq: processes with threads, no results. `python -m bench.others.dramatiq_app FILE` sends a message a line."""

import os
import sys
from functools import cache
from pathlib import Path

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from bench.others.work import Recorder

broker = RabbitmqBroker(url=os.environ["RAW_AMQP"], confirm_delivery=True)
dramatiq.set_broker(broker)


@cache
def recorder() -> Recorder:
    """One for each process."""
    return Recorder()


@dramatiq.actor(queue_name="others.dramatiq")
def record(body: str) -> None:
    recorder().record(body.encode())


if __name__ == "__main__":
    for line in Path(sys.argv[1]).read_text().splitlines():
        record.send(line)
