"""The event bus as the rest of the kit sees it: messages out, deliveries in. `shared.broker` is the real one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shared.errors import TransientError

HeaderValue = str | int
Headers = Mapping[str, HeaderValue]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to publish. `message_id` is the event's id; `type` its type."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    type: str = ""
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it arrived. `redelivered` when the broker has handed it out before."""

    body: bytes
    message_id: str
    headers: Headers
    redelivered: bool = False


Receive = Callable[[Delivery], Awaitable[None]]
"""Takes one delivery. Returning settles it for good; raising gives it back to the broker for another try."""


class MissingQueue(TransientError):
    """The broker answers, and has no such queue: its topology was not loaded, or is that of another release."""

    def __init__(self, queue: str) -> None:
        super().__init__(f"broker: no queue {queue}")
        self.queue = queue


class Bus(Protocol):
    """Publishes and consumes. One contract suite runs on every implementation (`shared.testing.suites.bus`)."""

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Hand all messages to the broker and wait for its confirms.

        Raises:
            TransientError: at least one was not confirmed, not routed, or not in time. Any of them may have arrived.
        """

    async def consume(self, queue: str, receive: Receive, *, prefetch: int, stop: asyncio.Event) -> None:
        """Hand deliveries to `receive`, up to `prefetch` at once, until `stop` is set; then let those in flight end.

        Survives the loss of the broker: it connects again with a growing pause, for ever. Deliveries that were in
        flight come again.
        """

    async def ping(self) -> bool:
        """Whether the broker answers."""

    async def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """How many messages lie ready in each of these queues; those in flight are not among them.

        Raises:
            MissingQueue: the broker lacks one of the queues.
            TransientError: it is away.
        """
