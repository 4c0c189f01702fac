"""How entries hang together: each carries a keyed hash over the one before it and over all that it says.

Whoever can write to the database, but has not the key, cannot alter, insert, remove, swap or move an entry without
breaking the chain. A cut at its end is seen by the next anchor: see `services.auth.trail.anchors`. No I/O here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from services.auth.trail.domain import Note
from shared.chains import START, Chain, millis, rounded

__all__ = ["START", "Anchor", "Chain", "Head", "Link", "heads_of", "no_head", "rounded"]


@dataclass(frozen=True, slots=True)
class Link:
    """An entry with its place: `number` from 1; `key`, the natural key of what must be noted once, or ""."""

    account_id: str
    number: int
    note: Note
    recorded_at: datetime
    key: str
    key_version: int

    def content(self) -> bytes:
        """All that it says, in the one way to write it: JSON with sorted names, times in milliseconds since 1970."""
        note = self.note
        values = {
            "account": self.account_id,
            "number": self.number,
            "what": note.what,
            "at": millis(note.at),
            "details": dict(note.details),
            "reason": note.reason.hex(),
            "recorded": millis(self.recorded_at),
            "key": self.key,
        }
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of a chain."""

    account_id: str
    number: int
    hash: bytes


def no_head(account_id: str) -> Head:
    """Before the first link."""
    return Head(account_id, 0, START)


@dataclass(frozen=True, slots=True)
class Anchor:
    """What the ends of some chains were at one moment; anchors are a chain themselves, numbered from 1."""

    number: int
    at: datetime
    heads: tuple[Head, ...]
    key_version: int

    def content(self) -> bytes:
        """As `Link.content`."""
        heads = [[head.account_id, head.number, head.hash.hex()] for head in self.heads]
        return orjson.dumps([self.number, millis(self.at), heads])


def heads_of(rows: Sequence[Sequence[Any]]) -> tuple[Head, ...]:
    """Heads as an anchor keeps them: account, number, hash."""
    return tuple(Head(account_id, number, bytes(value)) for account_id, number, value in rows)
