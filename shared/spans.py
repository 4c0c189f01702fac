"""OpenTelemetry spans of the work at hand: from the browser's request over the broker to the mail.

Recorded only where `PADLOCK_TRACES_URL` names a collector. A span has a name made of templates, and attributes of the
allow-list alone: nothing that names or reaches a person. No instrumentation of a library is used, for those put
addresses, statements and messages into spans.
"""

import random
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from shared.metrics import SPANS_LOST
from shared.trace import bind_traceparent, continue_trace, is_sampled, span_id, trace_id, unbind_traceparent

ALLOWED: Final = frozenset({
    "http.request.method", "http.route", "http.response.status_code",
    "messaging.system", "messaging.destination.name", "messaging.operation.type", "padlock.event.type",
    "padlock.template", "padlock.outcome", "error.type",
})  # fmt: skip
"""Attributes that a span may carry (semantic conventions 1.3x, and ours under `padlock.`)."""
ROOM = 4096
Value = str | int


class Kind(IntEnum):
    """A span's part in a conversation, as OTLP counts them."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


@dataclass(frozen=True, slots=True)
class Span:
    """What was done, from when to when in nanoseconds since 1970; ids in hexadecimal, `parent` "" at the root."""

    name: str
    kind: Kind
    trace: str
    id: str
    parent: str
    began: int
    ended: int
    failed: bool
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(slots=True)
class _Recorder:
    """What this process does about spans: nothing, until `recording`."""

    share: float = 0.0
    waiting: deque[Span] | None = None


_recorder = _Recorder()


@contextmanager
def recording(share: float) -> Iterator[deque[Span]]:
    """Record spans while the block runs; whoever sends them takes them from the left of what is given."""
    _recorder.share, _recorder.waiting = share, deque(maxlen=ROOM)
    try:
        yield _recorder.waiting
    finally:
        _recorder.share, _recorder.waiting = 0.0, None


def begins_sampled() -> bool:
    """Whether a trace that begins now is recorded."""
    return _recorder.share > 0 and random.random() < _recorder.share


def now() -> int:
    """Nanoseconds since 1970, or 0 where nothing is recorded: then there is no need to go on."""
    return time.time_ns() if _recorder.waiting is not None else 0


def record(
    name: str,
    kind: Kind,
    traceparent: str,
    *,
    received: str | None,
    began: int,
    attributes: Mapping[str, Value],
    failed: bool = False,
) -> None:
    """Note the span `traceparent`, which ends now; `received` is the traceparent that it was begun with, if any."""
    waiting = _recorder.waiting
    if waiting is None or not began or not is_sampled(traceparent):
        return
    if len(waiting) == waiting.maxlen:
        SPANS_LOST.inc()
    parent = span_id(received or "") if trace_id(received or "") == trace_id(traceparent) else ""
    told = {key: value for key, value in attributes.items() if key in ALLOWED}
    waiting.append(
        Span(name, kind, trace_id(traceparent), span_id(traceparent), parent, began, time.time_ns(), failed, told)
    )


@contextmanager
def span(name: str, kind: Kind, received: str, attributes: Mapping[str, Value]) -> Iterator[dict[str, Value]]:
    """Do the block as a span of its own, in the trace `received`; attributes may be added to what is given."""
    traceparent = continue_trace(received, sampled=begins_sampled())
    token = bind_traceparent(traceparent)
    began, told, failed = now(), dict(attributes), True
    try:
        yield told
        failed = False
    except BaseException as error:
        told["error.type"] = type(error).__name__
        raise
    finally:
        unbind_traceparent(token)
        record(name, kind, traceparent, received=received, began=began, failed=failed, attributes=told)
