"""Gauges of what grows where no request passes: documents' outboxes, queues, keys' ages, a loop that lags.

Every lasting process measures for itself, so n of them tell the same: take the maximum. What cannot be asked keeps its
last value, and `padlock_peer_up` says so.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from shared import metrics
from shared.bus import Bus
from shared.clock import Clock
from shared.errors import TransientError
from shared.keys import PURPOSES, KeyProvider, UnknownKey, UnusableKey
from shared.lifecycle import end_task
from shared.outbox import Backlog, backlog
from shared.topology import queues_of

if TYPE_CHECKING:
    from shared.runtime import Runtime
    from shared.work import Work

EVERY_S = 10.0
LAG_EVERY_S = 0.5
Measure = Callable[[], Awaitable[None]]
log = structlog.get_logger(__name__)


def measures_of(runtime: "Runtime", work: "Work") -> list[Measure]:
    """Everything that a process of the service can measure: itself, its keys, and what lies about."""
    keys, clock, name = runtime.keys, runtime.clock, runtime.settings.service

    async def peers() -> None:
        for peer, there in (await runtime.ready()).items():
            metrics.PEER_UP.labels(peer=peer).set(there)

    async def aged_keys() -> None:
        measure_keys(keys)

    async def queues() -> None:
        await measure_queues(runtime.bus, name)

    async def waiting() -> None:
        measure_backlog(await backlog(runtime.database, work.outboxes), clock)

    return [peers, aged_keys, waiting, queues, *work.measures]


@asynccontextmanager
async def measuring(measures: Sequence[Measure]) -> AsyncIterator[None]:
    """Measure while the block runs."""
    tasks = [asyncio.create_task(_measure(measures)), asyncio.create_task(_feel_lag())]
    try:
        yield
    finally:
        for task in tasks:
            await end_task(task)


async def measure_once(measures: Sequence[Measure]) -> None:
    """One turn: what one of them cannot learn keeps no other from learning."""
    for measure in measures:
        try:
            await measure()
        except TransientError as error:
            log.info("not measured", error=str(error))
        except Exception:  # a metric is no reason to end a process
            log.exception("not measured")


async def measure_queues(bus: Bus, service: str) -> None:
    """Count what lies in the queues of the service, and say whether the broker answered."""
    try:
        depths = await bus.depths(queues_of(service))
    except TransientError:
        metrics.PEER_UP.labels(peer="broker").set(0)
        raise
    metrics.PEER_UP.labels(peer="broker").set(1)
    for queue, count in depths.items():
        metrics.QUEUE_MESSAGES.labels(queue=queue).set(count)


def measure_backlog(found: Backlog, clock: Clock) -> None:
    """Set the gauges of the outbox."""
    age_s = (clock() - found.oldest_at).total_seconds() if found.oldest_at else 0.0
    metrics.OUTBOX_PENDING.set(found.documents)
    metrics.OUTBOX_AGE.set(max(0.0, age_s))


def measure_keys(keys: KeyProvider) -> None:
    """Age and number of versions of each key that this process has."""
    for purpose in PURPOSES:
        try:
            versions = keys.versions(purpose)
            if not versions:
                continue
            metrics.KEY_AGE.labels(purpose=purpose).set(keys.age_s(purpose, versions[-1]))
            metrics.KEY_VERSIONS.labels(purpose=purpose).set(len(versions))
        except (UnknownKey, UnusableKey):  # rotated or taken away just now
            continue


async def _measure(measures: Sequence[Measure]) -> None:
    while True:
        await measure_once(measures)
        await asyncio.sleep(EVERY_S)


async def _feel_lag() -> None:
    loop = asyncio.get_running_loop()
    while True:
        wanted = loop.time() + LAG_EVERY_S
        await asyncio.sleep(LAG_EVERY_S)
        metrics.LOOP_LAG.observe(max(0.0, loop.time() - wanted))
