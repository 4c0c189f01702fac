"""A broker in memory with the same topology as the real one. Delays pass when the test says so."""

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

from shared import topology
from shared.bus import Delivery, MissingQueue, Outgoing, Receive
from shared.errors import TransientError


class MemoryBus:
    """Implements `Bus`. `is_away` makes every call fail as an absent broker does; `queues` shows what lies where."""

    def __init__(self) -> None:
        self.queues: defaultdict[str, deque[Delivery]] = defaultdict(deque)
        self.is_away = False
        self._changed = asyncio.Condition()

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """See `Bus.publish`."""
        if self.is_away:
            raise TransientError("broker: away")
        for message in messages:
            queues = _routed(message)
            if not queues:
                raise TransientError("broker: 1 not routed")
            for queue in queues:
                self.queues[queue].append(_delivery(message))
        await self._notify()

    async def consume(self, queue: str, receive: Receive, *, prefetch: int, stop: asyncio.Event) -> None:
        """See `Bus.consume`."""
        stopping = asyncio.create_task(self._wake_at(stop))
        try:
            async with asyncio.TaskGroup() as group:
                free = asyncio.Semaphore(prefetch)
                while delivery := await self._next(queue, stop):
                    await free.acquire()
                    group.create_task(self._hand(queue, delivery, receive, free))
        finally:
            stopping.cancel()

    async def ping(self) -> bool:
        """See `Bus.ping`."""
        return not self.is_away

    async def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """See `Bus.depths`."""
        known = {row["name"] for row in topology.queues()}
        if self.is_away:
            raise TransientError("broker: away")
        for queue in queues:
            if queue not in known:
                raise MissingQueue(queue)
        return {queue: len(self.queues[queue]) for queue in queues}

    async def pass_delays(self) -> int:
        """Let every waiting delay end: what waits goes back to the queue that it came from; how many did."""
        moved = 0
        for name in [n for n in self.queues if ".retry." in n]:
            while self.queues[name]:
                delivery = self.queues[name].popleft()
                self.queues[str(delivery.headers["x-padlock-queue"])].append(delivery)
                moved += 1
        await self._notify()
        return moved

    async def settled(self, queue: str) -> None:
        """Wait until nothing lies in `queue` and nothing of it is in flight."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self.queues[queue] and not self.queues[f"{queue} in flight"])

    async def _next(self, queue: str, stop: asyncio.Event) -> Delivery | None:
        async with self._changed:
            await self._changed.wait_for(lambda: stop.is_set() or (self.queues[queue] and not self.is_away))
            if stop.is_set():
                return None
            delivery = self.queues[queue].popleft()
            self.queues[f"{queue} in flight"].append(delivery)
            return delivery

    async def _hand(self, queue: str, delivery: Delivery, receive: Receive, free: asyncio.Semaphore) -> None:
        try:
            await receive(delivery)
        except TransientError:
            again = Delivery(delivery.body, delivery.message_id, delivery.headers, redelivered=True)
            self.queues[queue].append(again)
        finally:
            self.queues[f"{queue} in flight"].remove(delivery)
            free.release()
            await self._notify()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _routed(message: Outgoing) -> list[str]:
    rows = [row for row in topology.bindings() if row["source"] == message.exchange]
    kinds = {row["name"]: row["type"] for row in topology.exchanges()}
    hits = [row["destination"] for row in rows if kinds[message.exchange] == "fanout" or _matches(row, message)]
    if not hits and message.exchange == topology.EXCHANGE:
        return [topology.UNROUTED]
    return hits


def _matches(row: dict[str, Any], message: Outgoing) -> bool:
    pattern = re.escape(row["routing_key"]).replace(r"\*", "[^.]+").replace(r"\#", ".*")
    return re.fullmatch(pattern, message.routing_key) is not None


def _delivery(message: Outgoing) -> Delivery:
    headers = dict(message.headers)
    if ".retry." in message.exchange:
        headers.setdefault("x-padlock-queue", message.routing_key)
    return Delivery(message.body, message.message_id, headers)
