"""Sends spans to a collector: OTLP 1.x over HTTP in JSON (opentelemetry-proto, "JSON Protobuf Encoding").

Ids are hexadecimal there, and 64-bit integers strings. What the collector does not take is lost and counted: a trace is
worth no memory and no delay.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import structlog

from shared.lifecycle import end_task
from shared.metrics import SPANS_LOST
from shared.settings import BaseSettings
from shared.spans import Span, Value, recording

EVERY_S = 1.0
BATCH = 512
TIMEOUT_S = 5.0
log = structlog.get_logger(__name__)


@asynccontextmanager
async def tracing(settings: BaseSettings) -> AsyncIterator[None]:
    """Record and send spans while the block runs, and the last ones at its end; does nothing without an address."""
    if not settings.traces_url:
        yield
        return
    patience = aiohttp.ClientTimeout(total=TIMEOUT_S)
    url = f"{settings.traces_url}/v1/traces"
    with recording(settings.traces_share) as waiting:
        async with aiohttp.ClientSession(timeout=patience) as session:
            sending = asyncio.create_task(_send_all(session, url, settings.service, waiting))
            try:
                yield
            finally:
                await end_task(sending)
                await _send(session, url, settings.service, waiting)


def encoded(spans: Sequence[Span], *, service: str) -> bytes:
    """An `ExportTraceServiceRequest`."""
    scope = {"scope": {"name": "padlock"}, "spans": [_span(each) for each in spans]}
    resource = {"attributes": _attributes({"service.name": service, "service.namespace": "padlock"})}
    return orjson.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]})


async def _send_all(session: aiohttp.ClientSession, url: str, service: str, waiting: deque[Span]) -> None:
    while True:
        await asyncio.sleep(EVERY_S)
        await _send(session, url, service, waiting)


async def _send(session: aiohttp.ClientSession, url: str, service: str, waiting: deque[Span]) -> None:
    while waiting:
        batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
        body = encoded(batch, service=service)
        try:
            async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
                taken = answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            taken = False
        if not taken:
            SPANS_LOST.inc(len(batch))
            log.info("spans not taken", count=len(batch))
            return


def _span(span: Span) -> dict[str, Any]:
    document: dict[str, Any] = {
        "traceId": span.trace,
        "spanId": span.id,
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": str(span.began),
        "endTimeUnixNano": str(span.ended),
        "attributes": _attributes(span.attributes),
        "status": {"code": 2} if span.failed else {},
    }
    if span.parent:
        document["parentSpanId"] = span.parent
    return document


def _attributes(values: dict[str, Value]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in values.items()
    ]
