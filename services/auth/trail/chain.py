"""How entries hang together: each carries a keyed hash over the one before it and over all that it says.

Whoever can write to the database, but has not the key, cannot alter, insert, remove, swap or move an entry without
breaking the chain. A cut at its end is seen by the next anchor: see `services.auth.trail.anchors`. No I/O here.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from services.auth.trail.domain import Note
from shared.boxes import bind
from shared.keys import KeyProvider, UnknownKey

PURPOSE = "trail"
START = b"\0" * 32
"""What the first link of a chain follows."""


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
            "at": _millis(note.at),
            "details": dict(note.details),
            "reason": note.reason.hex(),
            "recorded": _millis(self.recorded_at),
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
        return orjson.dumps([self.number, _millis(self.at), heads])


class Chain:
    """Makes and checks the hashes: HMAC-SHA256 under the key `trail`, whose version each entry names."""

    def __init__(self, keys: KeyProvider) -> None:
        self._keys = keys

    @property
    def key_version(self) -> int:
        """That of new entries."""
        return self._keys.current(PURPOSE).version

    def has_lost_key_of(self, thing: Link | Anchor) -> bool:
        """Whether it names an old version that is not here: nobody can tell then whether it was altered."""
        versions = self._keys.versions(PURPOSE)
        named: object = thing.key_version  # as it is stored: whoever altered it may have put anything there
        return isinstance(named, int) and named not in versions and named < max(versions, default=named + 1)

    def hash_of(self, thing: Link | Anchor, *, after: bytes) -> bytes:
        """The hash of a link or an anchor that follows the one with the hash `after`.

        Raises:
            UnknownKey: the version that it names is not here.
        """
        secret = self._keys.get(PURPOSE, thing.key_version).secret.reveal()
        kind = type(thing).__name__.lower()
        return hmac.digest(secret, bind(f"padlock trail {kind}", str(thing.key_version)) + after + thing.content(),
                           hashlib.sha256)  # fmt: skip

    def fits(self, thing: Link | Anchor, found: bytes, *, after: bytes) -> bool:
        """Whether `found` is its hash."""
        try:
            return hmac.compare_digest(found, self.hash_of(thing, after=after))
        except UnknownKey:
            return False


def rounded(moment: datetime) -> datetime:
    """As the database keeps it: to the millisecond."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


def _millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def heads_of(rows: Sequence[Sequence[Any]]) -> tuple[Head, ...]:
    """Heads as an anchor keeps them: account, number, hash."""
    return tuple(Head(account_id, number, bytes(value)) for account_id, number, value in rows)
