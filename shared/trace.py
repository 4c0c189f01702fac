"""W3C Trace Context of the work at hand. Both edges (HTTP, consumer) bind it; use cases put it into events."""

import random
import re
from contextvars import ContextVar, Token

from shared.cardlike import holds_card_number

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_current: ContextVar[str] = ContextVar("traceparent", default="")


def current_traceparent() -> str:
    """The `traceparent` of the request or delivery being worked on, or ""."""
    return _current.get()


def bind_traceparent(traceparent: str) -> Token[str]:
    """Make `traceparent` the current one; give the token to `unbind_traceparent` when the work is done."""
    return _current.set(traceparent)


def unbind_traceparent(token: Token[str]) -> None:
    """Go back to what was current before."""
    _current.reset(token)


def continue_trace(received: str | None) -> str:
    """A `traceparent` of our own span: in the received trace where it is well formed, in a new trace otherwise.

    W3C Trace Context level 1, section 3.2: version 00 has exactly four fields, later ones may append; version ff,
    an all-zero trace or parent id and upper-case digits are invalid.
    """
    # Section 3.2.2.3 asks for chance, not for secrecy, and asking the kernel for each id costs more than routing does.
    trace_id, flags = _parse(received or "") or (f"{random.getrandbits(128) | 1:032x}", "00")
    return f"00-{trace_id}-{random.getrandbits(64) | 1:016x}-{flags}"


def trace_id(traceparent: str) -> str:
    """The 32 hex digits that all spans of a trace share, or ""."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) >= 4 else ""


def _parse(text: str) -> tuple[str, str] | None:
    match = _TRACEPARENT.fullmatch(text) if len(text) <= 256 else None
    if match is None:
        return None
    version, trace, parent, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or not int(trace, 16) or not int(parent, 16):
        return None
    if holds_card_number(trace):  # it would travel into logs and events
        return None
    return trace, f"{int(flags, 16) & 1:02x}"
