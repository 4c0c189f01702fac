"""What a process does beside HTTP: consumers, relay, periodic work. All of it may run in n processes at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from shared.consumer import Consumer, Handler
from shared.errors import TransientError
from shared.outbox import LEFT_BEHIND_S

if TYPE_CHECKING:
    from shared.runtime import Runtime

log = structlog.get_logger(__name__)

PREFETCH = 200


@dataclass(frozen=True, slots=True)
class Periodic:
    """Something done every `every_s` seconds by one process at a time, under the lease `name`."""

    name: str
    every_s: float
    run: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Work:
    """Handlers by queue and event type; the collections whose documents carry events; what is periodic.

    `loops` are background loops of the service's own: each runs until the event that it is given is set. `measures`
    set gauges of what lies in the database, in every process, again and again; see `shared.measures`.
    """

    handlers: Mapping[str, Mapping[str, Handler]]
    outboxes: Sequence[str] = ()
    periodic: Sequence[Periodic] = ()
    loops: Sequence[Callable[[asyncio.Event], Awaitable[None]]] = ()
    measures: Sequence[Callable[[], Awaitable[None]]] = ()
    prefetch: int = PREFETCH


@asynccontextmanager
async def running(runtime: "Runtime", work: Work, *, beside_http: bool = False) -> AsyncIterator[None]:
    """Do the work while the block runs; at its end take nothing new and finish what is in flight.

    What has not ended `shutdown_grace_s` seconds later is cancelled.

    Leaves the block with an error when any part of the work crashes. `beside_http`: this process also writes, and
    hands its own events to its relay, as do the others like it; then the poll takes only what was left behind.
    """
    stop = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []
    async with asyncio.TaskGroup() as group:

        def begin(part: Coroutine[Any, Any, None]) -> None:
            tasks.append(group.create_task(part))

        for queue, handlers in work.handlers.items():
            consumer = Consumer(runtime.bus, queue, handlers, clock=runtime.clock)
            begin(runtime.bus.consume(queue, consumer.receive, prefetch=work.prefetch, stop=stop))
        if work.outboxes:
            age_s = LEFT_BEHIND_S if beside_http else 0
            begin(runtime.relay.run(work.outboxes, stop=stop, takes_over_after_s=age_s))
        for periodic in work.periodic:
            begin(_repeat(runtime, periodic, stop))
        for loop in work.loops:
            begin(_until(loop, stop))
        try:
            yield
        finally:
            stop.set()
            asyncio.get_running_loop().call_later(runtime.settings.shutdown_grace_s, _cut_short, tasks)


def _cut_short(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """End what has not ended by itself: dying here must cost no more than dying anywhere."""
    for task in tasks:
        if not task.done():
            log.warning("work cut short", work=task.get_name())
            task.cancel()


async def _until(loop: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event) -> None:
    await loop(stop)


async def _repeat(runtime: "Runtime", periodic: Periodic, stop: asyncio.Event) -> None:
    """Run it at each turn in which this process gets the lease; a peer that is away only costs the turn."""
    while not stop.is_set():
        try:
            async with runtime.leases.hold(f"{runtime.settings.service}.{periodic.name}") as fence:
                if fence is not None:
                    await periodic.run()
        except TransientError as error:
            log.warning("periodic work postponed", work=periodic.name, error=str(error))
        try:
            await asyncio.wait_for(stop.wait(), periodic.every_s)
        except TimeoutError:
            continue
