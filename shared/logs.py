"""Logs: one JSON object a line, only fields of the allow-list, never a value that somebody has sent.

Fields that are not allowed are dropped and counted in `dropped`. Records of libraries keep their message's template,
not its arguments; exceptions keep their classes and lines of code, neither their messages nor local variables.
"""

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import datetime
from types import TracebackType
from typing import Any, TextIO

import orjson
import structlog

from shared.clock import system_clock

ALLOWED = frozenset({
    # every line
    "event", "level", "at", "service", "logger", "dropped", "error", "trace", "pid",
    # correlation
    "request_id", "trace_id", "event_id", "event_type", "subject",
    # HTTP
    "method", "route", "status", "duration_ms", "code", "pointers",
    # process
    "command", "host", "port", "reason", "signal", "grace_s", "in_flight", "version", "mistakes",
    # broker and database
    "queue", "exchange", "outcome", "attempt", "delay_s", "count", "pending", "collection", "index", "lease",
    "fence", "retry_after_s", "pause_s", "name", "periodic", "work",
    # keys: which, never what
    "purpose", "kid", "key_version", "anchor", "anchor_hash",
    # things of the shop, by their opaque ids
    "account_id", "session_id", "order_id", "order_number", "item_id", "sku", "payment_id", "charge_id", "refund_id",
    "campaign_id", "issue_id", "subscriber_id", "message_id", "template", "topic", "month", "claim_id", "purchase_id",
    "deadline",
    "provider", "role", "state", "language", "currency", "total_minor", "quantity", "sent", "refused", "unknown",
    "capped", "smtp_code", "export_id", "erasure_id", "accounts", "email_changes",
})  # fmt: skip
"""Names that a log line may carry. Add yours here; nothing that names or reaches a person."""

_TEXT_LIMIT = 500
_LIST_LIMIT = 50
_FRAME_LIMIT = 40


def configure_logs(level: str, *, service: str, stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's records as JSON lines to `stream` (stdout).

    Args:
        level: debug, info, warning or error; libraries never log below warning.
        service: put into each line.
        stream: for tests.
    """
    out = stream or sys.stdout
    number = getattr(logging, level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _Line(service),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=stream is None,  # five times faster; tests configure more than once
    )
    root = logging.getLogger()
    root.handlers = [_Handler(out, _Line(service))]
    root.setLevel(max(number, logging.WARNING))
    logging.captureWarnings(True)


class _Line:
    """The last processor: allow-list, exception, JSON."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: Any, _method: str, fields: MutableMapping[str, Any]) -> str:
        line: dict[str, Any] = {"at": _now(), "level": fields.pop("level", "info"), "service": self._service}
        error = _exception(fields.pop("exc_info", None))
        dropped = fields.pop("dropped", 0) + fill(line, fields)
        if error is not None:
            line |= {"error": _classes(error), "trace": _frames(error)}
        if dropped:
            line["dropped"] = dropped
        return orjson.dumps(line).decode()


class _Handler(logging.Handler):
    def __init__(self, out: TextIO, line: _Line) -> None:
        super().__init__()
        self._out = out
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        # The template without its arguments: these are what a library was handling, so perhaps a person's.
        template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        fields: dict[str, Any] = {
            **structlog.contextvars.get_contextvars(),
            "event": template.partition("\n")[0],
            "level": record.levelname.lower(),
            "logger": record.name,
            "exc_info": record.exc_info,
        }
        try:
            self._out.write(self._line(None, "", fields) + "\n")
            self._out.flush()
        except (OSError, ValueError):  # the stream is gone: nobody is left to be told
            self.handleError(record)


def fill(line: dict[str, Any], fields: Mapping[str, Any]) -> int:
    """Copy what is allowed into `line`; return how many fields were dropped."""
    dropped = 0
    for name, value in fields.items():
        plain = _plain(value) if name in ALLOWED else None
        if plain is None and value is not None:
            dropped += 1
        else:
            line[name] = plain
    return dropped


def _plain(value: Any) -> Any:
    """Scalars and lists of them; None for all else: an object's text could hold anything."""
    kind = type(value)
    if kind is str and len(value) < _TEXT_LIMIT and value.isascii():
        return value
    if kind in (float, bool) or (kind is int and -(2**63) < value < 2**63):
        return value
    if isinstance(value, str):
        return _clean(str(value))
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in list(value)[:_LIST_LIMIT]]
    return None


def _clean(text: str) -> str:
    return text[:_TEXT_LIMIT].encode("utf-8", "replace").decode()


def _now() -> str:
    return system_clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _exception(info: Any) -> BaseException | None:
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple) and len(info) == 3:
        return info[1] if isinstance(info[1], BaseException) else None
    return sys.exception() if info else None


def _chain(error: BaseException) -> list[BaseException]:
    """The error, what it groups, and what it came from, each once."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop(0)
        if current is None or any(current is known for known in found) or len(found) >= 20:
            continue
        found.append(current)
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions
        waiting.append(current.__cause__ or (None if current.__suppress_context__ else current.__context__))
    return found


def _classes(error: BaseException) -> list[str]:
    return [f"{type(each).__module__}.{type(each).__qualname__}" for each in _chain(error)]


def _frames(error: BaseException) -> list[str]:
    lines: list[str] = []
    for each in _chain(error):
        lines += [f"{type(each).__qualname__}:", *_places(each.__traceback__)]
    return lines[:_FRAME_LIMIT]


def _places(trace: TracebackType | None) -> list[str]:
    # Not `traceback.format_exception`: it would add the message and lines of source.
    last = list(traceback.walk_tb(trace))[-15:]
    return [f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_name}" for frame, line in last]
