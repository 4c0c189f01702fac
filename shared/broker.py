"""RabbitMQ: the one module that imports aio-pika. Publishes with confirms, consumes with settlement by hand.

Connections are plain, not "robust": what aio-pika would restore behind our back (queues, consumers, half-sent
batches) is simpler to open anew, and a failure is then seen by the one who must know of it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aio_pika
import aiormq
import structlog
from aiormq.abc import DeliveredMessage

from shared.acks import Acks
from shared.bus import Delivery, MissingQueue, Outgoing, Receive
from shared.errors import TransientError
from shared.events import CONTENT_TYPE

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_S = 5.0
PUBLISH_TIMEOUT_S = 10.0
HEARTBEAT_S = 5
"""A node that is cut off says no word of it: aiormq gives a connection up 18 s after the last sign of life."""
LONGEST_PAUSE_S = 5.0
_BROKEN = (aiormq.exceptions.AMQPError, aiormq.exceptions.ChannelInvalidStateError, OSError, TimeoutError)

Channel = aiormq.Channel


class RabbitBus:
    """One connection to publish on, opened when first needed; one more for each queue that is consumed.

    Publishing has its own, for a broker that runs short of memory or disk blocks connections that publish.
    """

    def __init__(self, url: str, *, name: str) -> None:
        self._url = url
        self._name = name
        self._opening = asyncio.Lock()
        self._connection: aio_pika.abc.AbstractConnection | None = None
        self._channel: Channel | None = None

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """See `Bus.publish`. All frames are written before the first confirm is awaited."""
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT_S):
                channel = await self._publishing_channel()
                answers = await asyncio.gather(*(_send(channel, m) for m in messages), return_exceptions=True)
        except _BROKEN as error:
            await self.close()
            raise TransientError(f"broker: {type(error).__name__}") from error
        if failed := [answer for answer in answers if isinstance(answer, BaseException)]:
            if not isinstance(failed[0], aiormq.exceptions.DeliveryError):
                await self.close()
            raise TransientError(f"broker: {len(failed)} of {len(messages)} not confirmed") from failed[0]

    async def consume(self, queue: str, receive: Receive, *, prefetch: int, stop: asyncio.Event) -> None:
        """See `Bus.consume`."""
        pause_s = 0.1
        while not stop.is_set():
            try:
                async with self._channel_of(f"{self._name} {queue}") as channel:
                    await channel.basic_qos(prefetch_count=prefetch, timeout=CONNECT_TIMEOUT_S)
                    pause_s = 0.1
                    await _Consumption(channel, queue, receive).run(stop)
            except _BROKEN as error:
                log.warning("consumer lost the broker", queue=queue, error=type(error).__name__, pause_s=pause_s)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def ping(self) -> bool:
        """Whether the broker answers: the publishing channel is open, or can be opened."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._publishing_channel()
        except _BROKEN:
            return False
        return True

    async def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """See `Bus.depths`. On a connection of its own: one that publishes may be blocked just then."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S * 2), self._channel_of(f"{self._name} depths") as channel:
                return {queue: await _depth(channel, queue) for queue in queues}
        except _BROKEN as error:
            raise TransientError(f"broker: {type(error).__name__}") from error

    async def close(self) -> None:
        """Let go of the publishing connection; the next publish opens another."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with suppress(*_BROKEN):
                await asyncio.wait_for(connection.close(), CONNECT_TIMEOUT_S)

    async def _publishing_channel(self) -> Channel:
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                await self.close()
                self._connection = await _connect(self._url, f"{self._name} publisher")
                opened = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
                self._channel = _bare(await opened.get_underlay_channel())
            return self._channel

    @asynccontextmanager
    async def _channel_of(self, name: str) -> AsyncIterator[Channel]:
        connection = await _connect(self._url, name)
        try:
            opened = await connection.channel(publisher_confirms=False)
            yield _bare(await opened.get_underlay_channel())
        finally:
            with suppress(*_BROKEN):
                await asyncio.wait_for(connection.close(), CONNECT_TIMEOUT_S)


class _Consumption:
    """One consumer on one channel, from its start to the loss of the channel or to `stop`."""

    def __init__(self, channel: Channel, queue: str, receive: Receive) -> None:
        self._channel = channel
        self._queue = queue
        self._receive = receive
        self._acks = Acks(self._ack)
        self._idle = asyncio.Event()
        self._idle.set()
        self._in_flight = 0

    async def run(self, stop: asyncio.Event) -> None:
        started = await self._channel.basic_consume(self._queue, self._on_message, timeout=CONNECT_TIMEOUT_S)
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stopping, self._channel.closing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if self._channel.is_closed or self._channel.closing.done():
            raise ConnectionError("channel closed")
        await self._channel.basic_cancel(str(started.consumer_tag), timeout=CONNECT_TIMEOUT_S)
        await self._idle.wait()
        await self._acks.flush()

    async def _on_message(self, message: DeliveredMessage) -> None:
        tag = int(message.delivery_tag or 0)
        self._acks.opened(tag)
        self._in_flight += 1
        self._idle.clear()
        try:
            await self._receive(_delivery(message))
        except TransientError:
            # Not even the way to the delay queue is open. Rejected, for RabbitMQ 4.3 counts no nack.
            log.warning("delivery given back", queue=self._queue)
            self._acks.forget(tag)
            await self._channel.basic_reject(tag, requeue=True)
        else:
            self._acks.settle(tag)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def _ack(self, tag: int, multiple: bool) -> None:
        with suppress(*_BROKEN):
            await self._channel.basic_ack(tag, multiple=multiple, wait=False)


def _bare(channel: aiormq.abc.AbstractChannel) -> Channel:
    """Aiormq's own channel: it alone can write a frame without waiting for it to be flushed."""
    if not isinstance(channel, aiormq.Channel):
        raise TypeError("not a channel of aiormq")
    return channel


async def _connect(url: str, name: str) -> aio_pika.abc.AbstractConnection:
    return await aio_pika.connect(
        url, timeout=CONNECT_TIMEOUT_S, heartbeat=HEARTBEAT_S, client_properties={"connection_name": name}
    )


async def _depth(channel: Channel, queue: str) -> int:
    try:
        answer = await channel.queue_declare(queue, passive=True)
    except aiormq.exceptions.ChannelNotFoundEntity as error:
        if "no queue" in str(error):  # a queue whose node is away is not found either
            raise MissingQueue(queue) from error
        raise
    return int(answer.message_count or 0)


async def _send(channel: Channel, message: Outgoing) -> Any:
    properties = aiormq.spec.Basic.Properties(
        content_type=CONTENT_TYPE,
        delivery_mode=2,
        message_id=message.message_id,
        message_type=message.type or None,
        headers=dict(message.headers) or None,
    )
    return await channel.basic_publish(
        message.body,
        exchange=message.exchange,
        routing_key=message.routing_key,
        properties=properties,
        mandatory=True,
        wait=False,
    )


def _delivery(message: DeliveredMessage) -> Delivery:
    properties = message.header.properties
    headers = {k: v for k, v in (properties.headers or {}).items() if isinstance(v, str | int)}
    return Delivery(
        body=bytes(message.body),
        message_id=properties.message_id or "",
        headers=headers,
        redelivered=bool(message.redelivered),
    )


@asynccontextmanager
async def open_bus(url: str, *, name: str) -> AsyncIterator[RabbitBus]:
    """A bus that connects when first used, and closes at the end."""
    bus = RabbitBus(url, name=name)
    try:
        yield bus
    finally:
        await bus.close()


@dataclass(frozen=True, slots=True)
class Letter:
    """A message looked at in a queue. It stays there unless it is removed."""

    delivery: Delivery
    remove: Callable[[], Awaitable[None]]


@asynccontextmanager
async def open_letters(url: str, queue: str) -> AsyncIterator[AsyncIterator[Letter]]:
    """Look through a queue from its head; at the end of the block all that was not removed is back in it.

    Raises:
        TransientError: the broker is away.
    """
    try:
        connection = await _connect(url, f"looking at {queue}")
    except _BROKEN as error:
        raise TransientError(f"broker: {type(error).__name__}") from error
    try:
        opened = await connection.channel(publisher_confirms=False)
        yield _look(_bare(await opened.get_underlay_channel()), queue)
    finally:
        await connection.close()


async def _look(channel: Channel, queue: str) -> AsyncIterator[Letter]:
    while True:
        message = await channel.basic_get(queue, timeout=CONNECT_TIMEOUT_S)
        if message.delivery_tag is None:
            return

        async def remove(tag: int = int(message.delivery_tag)) -> None:
            await channel.basic_ack(tag)

        yield Letter(_delivery(message), remove)
