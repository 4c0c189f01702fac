"""Keys in memory, for tests."""

import secrets
from collections.abc import Iterable

from shared.keys import PURPOSES, SIZE_BYTES, Key, UnknownKey
from shared.secrets import Secret


class MemoryKeys:
    """A `KeyProvider` that makes its keys up; each purpose given has version 1 from the start."""

    def __init__(self, purposes: Iterable[str] = PURPOSES) -> None:
        self._keys: dict[str, dict[int, Key]] = {purpose: {} for purpose in PURPOSES}
        self.ages: dict[tuple[str, int], float] = {}
        for purpose in purposes:
            self.rotate(purpose)

    def current(self, purpose: str) -> Key:
        """See `KeyProvider`."""
        versions = self.versions(purpose)
        if not versions:
            raise UnknownKey(f"no key for {purpose!r}")
        return self.get(purpose, versions[-1])

    def get(self, purpose: str, version: int) -> Key:
        """See `KeyProvider`."""
        try:
            return self._of(purpose)[version]
        except KeyError:
            raise UnknownKey(f"no version {version} of key {purpose!r}") from None

    def versions(self, purpose: str) -> list[int]:
        """See `KeyProvider`."""
        return sorted(self._of(purpose))

    def age_s(self, purpose: str, version: int) -> float:
        """See `KeyProvider`: nothing is known, unless a test has put it into `ages`."""
        self.get(purpose, version)
        return self.ages.get((purpose, version), 0.0)

    def rotate(self, purpose: str) -> Key:
        """Make the next version."""
        version = max(self.versions(purpose), default=0) + 1
        self.put(Key(purpose, version, Secret(secrets.token_bytes(SIZE_BYTES))))
        return self.get(purpose, version)

    def put(self, key: Key) -> None:
        """Hold this very key."""
        self._of(key.purpose)[key.version] = key

    def forget(self, purpose: str, version: int) -> None:
        """Lose a version, as an operator might."""
        del self._of(purpose)[version]

    def _of(self, purpose: str) -> dict[int, Key]:
        try:
            return self._keys[purpose]
        except KeyError:
            raise UnknownKey(f"keys have no purpose {purpose!r}") from None
