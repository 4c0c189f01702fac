"""Records that hang together: each carries a keyed hash over the one before it and over all that it says.

Whoever can write to the database, but has not the key, cannot alter, insert, remove, swap or move one without breaking
the chain. A cut at its end only shows to whoever knows of the last one. No I/O here.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Protocol

from shared.boxes import bind
from shared.keys import KeyProvider, UnknownKey

PURPOSE = "trail"
START = b"\0" * 32
"""What the first link of a chain follows."""


class Chained(Protocol):
    """A link of some chain. Its class's name keeps it apart from links of other kinds."""

    @property
    def key_version(self) -> int:
        """Of the key that it is hashed under."""

    def content(self) -> bytes:
        """All that it says, in the one way to write it."""


class Chain:
    """Makes and checks the hashes: HMAC-SHA256 under the key `trail`, whose version each entry names."""

    def __init__(self, keys: KeyProvider) -> None:
        self._keys = keys

    @property
    def key_version(self) -> int:
        """That of new entries."""
        return self._keys.current(PURPOSE).version

    def has_lost_key_of(self, thing: Chained) -> bool:
        """Whether it names an old version that is not here: nobody can tell then whether it was altered."""
        versions = self._keys.versions(PURPOSE)
        named: object = thing.key_version  # as it is stored: whoever altered it may have put anything there
        return isinstance(named, int) and named not in versions and named < max(versions, default=named + 1)

    def hash_of(self, thing: Chained, *, after: bytes) -> bytes:
        """The hash of a link that follows the one with the hash `after`.

        Raises:
            UnknownKey: the version that it names is not here.
        """
        secret = self._keys.get(PURPOSE, thing.key_version).secret.reveal()
        kind = type(thing).__name__.lower()
        return hmac.digest(secret, bind(f"padlock trail {kind}", str(thing.key_version)) + after + thing.content(),
                           hashlib.sha256)  # fmt: skip

    def fits(self, thing: Chained, found: bytes, *, after: bytes) -> bool:
        """Whether `found` is its hash."""
        try:
            return hmac.compare_digest(found, self.hash_of(thing, after=after))
        except UnknownKey:
            return False


def rounded(moment: datetime) -> datetime:
    """As the database keeps it: to the millisecond."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


def millis(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
