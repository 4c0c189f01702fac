"""Celery: processes, late acknowledgement, no results. `python -m bench.others.celery_app FILE` sends a task a line."""

import os
import sys
from functools import cache
from pathlib import Path

from celery import Celery

from bench.others.work import Recorder

app = Celery("others", broker=os.environ["RAW_AMQP"])
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_default_queue="others.celery",
    worker_prefetch_multiplier=50,
    broker_transport_options={"confirm_publish": True},
)


@cache
def recorder() -> Recorder:
    """One for each process, opened after the fork."""
    return Recorder()


@app.task(name="record")
def record(body: str) -> None:
    recorder().record(body.encode())


if __name__ == "__main__":
    for line in Path(sys.argv[1]).read_text().splitlines():
        record.delay(line)
