"""W3C Trace Context of the work at hand. Both edges (HTTP, consumer) bind it; use cases put it into events."""

import random
import re
from contextvars import ContextVar, Token
from itertools import count

from shared.cardlike import RUN, holds_card_number

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_DRAWS = 4
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


def continue_trace(received: str | None, *, sampled: bool = False) -> str:
    """A `traceparent` of our own span: in the received trace where it is well formed, in a new trace otherwise.

    A new one has the flag `sampled` as it is said here; a received one keeps its own.

    W3C Trace Context level 1, section 3.2: version 00 has exactly four fields, later ones may append; version ff,
    an all-zero trace or parent id and upper-case digits are invalid.
    """
    # Section 3.2.2.3 asks for chance, not for secrecy, and asking the kernel for each id costs more than routing does.
    known = _parse(received or "")
    for draw in count():
        kept = known if draw < _DRAWS else None
        trace, flags = kept or (f"{random.getrandbits(128) | 1:032x}", "01" if sampled else "00")
        ours = f"00-{trace}-{random.getrandbits(64) | 1:016x}-{flags}"
        # It travels into logs and events, where nobody shall take it for a card number, as one in 200 would be.
        if not RUN.search(ours) or not holds_card_number(ours):
            return ours
    raise AssertionError("counted to the end")


def span_id(traceparent: str) -> str:
    """The 16 hex digits of the one span, or ""."""
    parts = traceparent.split("-")
    return parts[2] if len(parts) >= 4 else ""


def is_sampled(traceparent: str) -> bool:
    """Whether whoever began the trace wants it recorded."""
    return traceparent.endswith("1")


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
    return trace, f"{int(flags, 16) & 1:02x}"
