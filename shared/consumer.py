"""The consumer's edge: from a delivery to a handler, and from what the handler raises to what becomes of the delivery.

| raised | settled as |
|---|---|
| nothing | done |
| `DomainError` | dead letter with its code as the reason: a retry would say the same |
| `TransientError`, a timeout, anything else | waits 1 s, 10 s, 1 min, 10 min outside the consumer, then dead letter |
| `CancelledError` | left alone: the broker delivers it again |

A move (to a delay queue or to the dead letters) is a confirmed publish before the delivery is settled, so that a
crash between the two means twice, never zero times.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import structlog

from shared import metrics, spans
from shared.bus import Bus, Delivery, HeaderValue, Outgoing
from shared.clock import Clock
from shared.errors import DomainError, ErrorKind, TransientError
from shared.events import Event, decode
from shared.topology import DELAYS_S, dead_queue, retry_exchange

log = structlog.get_logger(__name__)

Handler = Callable[[Event], Awaitable[None]]

ATTEMPT = "x-padlock-attempt"
REASON = "x-padlock-reason"
QUEUE = "x-padlock-queue"
DIED_AT = "x-padlock-died-at"
HANDLER_TIMEOUT_S = 30.0


class UnknownEvent(DomainError):
    """No handler knows this type or version of event; parked until a release that does."""

    kind = ErrorKind.INVALID
    code = "unknown-event"


class Consumer:
    """Settles the deliveries of one queue. `handlers` by event type; each must be safe to run twice.

    `timeout_s` is how long one of them may take: less than the broker's patience with a delivery (30 minutes).
    """

    def __init__(
        self,
        bus: Bus,
        queue: str,
        handlers: Mapping[str, Handler],
        *,
        clock: Clock,
        timeout_s: float = HANDLER_TIMEOUT_S,
    ) -> None:
        self._bus = bus
        self._queue = queue
        self._service = queue.partition(".")[0]
        self._handlers = handlers
        self._told = {each: _told(queue, each) for each in handlers}
        self._done = {each: metrics.EVENTS_HANDLED.labels(type=each, outcome="done") for each in handlers}
        self._clock = clock
        self._timeout_s = timeout_s

    async def receive(self, delivery: Delivery) -> None:
        """Handle one delivery to its settlement. Raises `TransientError` when even a move is impossible."""
        kind = "malformed"
        try:
            event = decode(delivery.body)
            kind = event.type if event.type in self._handlers else "unknown"
            await self._handle(event)
        except DomainError as error:
            await self._bury(delivery, reason=error.code)
            log.error("event refused", queue=self._queue, event_id=delivery.message_id, code=error.code)  # noqa: TRY400 - a refusal needs no traceback
            metrics.EVENTS_HANDLED.labels(type=kind, outcome="dead").inc()
        except (TransientError, TimeoutError) as error:
            log.warning("event postponed", queue=self._queue, event_id=delivery.message_id, error=str(error))
            await self._postpone(delivery, kind, reason=type(error).__name__)
        except Exception as error:  # the consumer's edge: whatever else went wrong may pass with time or a release
            log.exception("event failed", queue=self._queue, event_id=delivery.message_id)
            await self._postpone(delivery, kind, reason=type(error).__name__)
        else:
            self._done[kind].inc()

    async def _handle(self, event: Event) -> None:
        handler = self._handlers.get(event.type)
        if handler is None:
            raise UnknownEvent
        # Each delivery has a task, and so a context, of its own: nothing to unbind of the log.
        structlog.contextvars.bind_contextvars(event_id=event.id)
        name = f"process {event.type}"
        with spans.span(name, spans.Kind.CONSUMER, event.traceparent, self._told[event.type]):
            async with asyncio.timeout(self._timeout_s):
                await handler(event)

    async def _postpone(self, delivery: Delivery, kind: str, *, reason: str) -> None:
        attempt = _attempt_of(delivery)
        if attempt >= len(DELAYS_S):
            await self._bury(delivery, reason=reason)
            metrics.EVENTS_HANDLED.labels(type=kind, outcome="dead").inc()
            return
        exchange = retry_exchange(self._service, DELAYS_S[attempt])
        await self._move(delivery, exchange, {ATTEMPT: attempt + 1, REASON: reason, QUEUE: self._queue})
        metrics.EVENTS_HANDLED.labels(type=kind, outcome="postponed").inc()

    async def _bury(self, delivery: Delivery, *, reason: str) -> None:
        headers: dict[str, HeaderValue] = {
            REASON: reason,
            QUEUE: self._queue,
            ATTEMPT: _attempt_of(delivery),
            DIED_AT: _rfc3339(self._clock()),
        }
        await self._move(delivery, dead_queue(self._service), headers)

    async def _move(self, delivery: Delivery, exchange: str, headers: Mapping[str, HeaderValue]) -> None:
        await self._bus.publish(
            [Outgoing(exchange, self._queue, delivery.body, delivery.message_id or "unknown", headers=headers)]
        )


def _told(queue: str, event_type: str) -> dict[str, spans.Value]:
    """What a span of this work says of itself."""
    return {
        "messaging.system": "rabbitmq",
        "messaging.destination.name": queue,
        "messaging.operation.type": "process",
        "padlock.event.type": event_type,
    }


def _attempt_of(delivery: Delivery) -> int:
    attempt = delivery.headers.get(ATTEMPT, 0)
    return attempt if isinstance(attempt, int) else 0


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
