"""Where keys come from. A key is 32 random bytes with a purpose and a version; the newest version is the current one.

Old versions stay, so that what they protect can still be read. `KeyProvider` is what a key management service would
implement; `FileKeys`, the embedded default, reads `<directory>/<purpose>/<version>.key`: base64 of the 32 bytes.
"""

import base64
import binascii
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from shared.secrets import Secret

PURPOSES: dict[str, str] = {
    "fields": "wraps the data key of each person",
    "card": "X25519 private key that opens the kept parts of cards; held by the process that screens, by nobody else",
    "index": "keyed hash for look-ups; version 1 for ever, until everything is indexed anew",
    "seal": "X25519 private key that opens what others seal for this service",
    "cookie": "encrypts the remember-me cookie",
    "identity": "Ed25519 private key that signs identities",
    "link": "authenticates the links in mails",
    "trail": "chains the entries of an audit trail; without it nobody can write a chain that fits",
}
"""What keys are for. Each service holds only those that it needs."""

SIZE_BYTES = 32
_LIST_AGAIN_S = 1.0
_NAME = re.compile(r"([1-9][0-9]{0,8})\.key")


class UnknownKey(LookupError):
    """There is no such key here."""


class UnusableKey(Exception):
    """A key is there, but others can read it, or it is damaged. Names the file, never its content."""


@dataclass(frozen=True, slots=True)
class Key:
    """One version of one key; `secret` holds 32 bytes."""

    purpose: str
    version: int
    secret: Secret[bytes]


class KeyProvider(Protocol):
    """Gives keys by purpose and version."""

    def current(self, purpose: str) -> Key:
        """The key for new values: the highest version.

        Raises:
            UnknownKey: there is none for this purpose.
        """

    def get(self, purpose: str, version: int) -> Key:
        """The key that an old value names.

        Raises:
            UnknownKey: it is not here, or no longer.
        """

    def versions(self, purpose: str) -> list[int]:
        """All versions, lowest first; gaps are fine, and none is an empty list."""

    def age_s(self, purpose: str, version: int) -> float:
        """Seconds for which everybody could have known of the key; 0 where that is not known.

        Raises:
            UnknownKey: it is not here, or no longer.
        """


@dataclass(slots=True)
class _Shelf:
    """What is known of one purpose: the versions listed at `listed_at`, and the keys read so far."""

    listed_at: float = float("-inf")
    versions: list[int] = field(default_factory=list)
    keys: dict[int, Key] = field(default_factory=dict)


class FileKeys:
    """Keys in files that only their service can read. New files are noticed within a second, without a restart.

    The content of a version never changes: what has been read once is not read again.

    Args:
        directory: holds one directory for each purpose.
        strict: refuse directories and files that group or others can access. A Kubernetes secret volume, which is
            0444 and guarded by the pod itself, needs `False`.
        monotonic: seconds of a clock that never goes back.
    """

    def __init__(
        self, directory: Path, *, strict: bool = True, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._directory = directory
        self._strict = strict
        self._monotonic = monotonic
        self._shelves: dict[str, _Shelf] = {}

    def current(self, purpose: str) -> Key:
        """See `KeyProvider`.

        Raises:
            UnusableKey: readable by others, or damaged.
        """
        versions = self._fresh(purpose).versions
        if not versions:
            raise UnknownKey(f"no key for {purpose!r} in {self._directory}")
        return self.get(purpose, versions[-1])

    def get(self, purpose: str, version: int) -> Key:
        """See `KeyProvider`.

        Raises:
            UnusableKey: readable by others, or damaged.
        """
        shelf = self._fresh(purpose)
        key = shelf.keys.get(version)
        if key is None:
            key = shelf.keys[version] = Key(purpose, version, self._read(self._path(purpose, version)))
        return key

    def versions(self, purpose: str) -> list[int]:
        """See `KeyProvider`."""
        return list(self._fresh(purpose).versions)

    def age_s(self, purpose: str, version: int) -> float:
        """See `KeyProvider`: since the file was written here, by the machine's clock; a copy counts as new."""
        try:
            return max(0.0, time.time() - self._path(purpose, version).stat().st_mtime)
        except (FileNotFoundError, NotADirectoryError):
            raise UnknownKey(f"no version {version} of key {purpose!r} in {self._directory}") from None

    def retire(self, purpose: str, *, below: int) -> list[int]:
        """Delete the versions below `below`, for good, and return them; the current one always stays."""
        versions = self._list(purpose)
        retired = [version for version in versions[:-1] if version < below]
        for version in retired:
            self._path(purpose, version).unlink(missing_ok=True)
        if retired:
            _sync_directory(self._path(purpose, 1).parent)
        self._shelves.pop(purpose, None)
        return retired

    def rotate(self, purpose: str) -> Key:
        """Make the next version; it is current from now on. Two at once make two versions, each whole."""
        self._make_directory(purpose)
        version = max(self._list(purpose), default=0) + 1
        while not _write_new(self._path(purpose, version)):
            version += 1
        self._shelves.pop(purpose, None)
        return self.get(purpose, version)

    def ensure(self, purposes: Iterable[str]) -> list[Key]:
        """Make version 1 of each purpose that has no key yet, and return those made: a first deployment's call."""
        return [made for purpose in purposes if (made := self._first(purpose)) is not None]

    def _first(self, purpose: str) -> Key | None:
        if self._list(purpose):
            return None
        self._make_directory(purpose)
        if not _write_new(self._path(purpose, 1)):
            return None  # another process was quicker
        self._shelves.pop(purpose, None)
        return self.get(purpose, 1)

    def _path(self, purpose: str, version: int) -> Path:
        if purpose not in PURPOSES:
            raise UnknownKey(f"keys have no purpose {purpose!r}")
        return self._directory / purpose / f"{version}.key"

    def _fresh(self, purpose: str) -> _Shelf:
        shelf = self._shelves.setdefault(purpose, _Shelf())
        now = self._monotonic()
        if now - shelf.listed_at >= _LIST_AGAIN_S:
            shelf.versions = self._list(purpose)
            shelf.keys = {version: key for version, key in shelf.keys.items() if version in shelf.versions}
            shelf.listed_at = now
        return shelf

    def _list(self, purpose: str) -> list[int]:
        directory = self._path(purpose, 1).parent
        try:
            names = os.listdir(directory)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except PermissionError:
            raise UnusableKey(f"{directory} cannot be listed by this user") from None
        self._check_private(self._directory)
        self._check_private(directory)
        return sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))

    def _read(self, path: Path) -> Secret[bytes]:
        try:
            text = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise UnknownKey(f"there is no key {path}") from None
        except PermissionError:
            raise UnusableKey(f"{path} cannot be read by this user") from None
        self._check_private(path)
        return Secret(_decode(text, path))

    def _check_private(self, path: Path) -> None:
        mode = stat.S_IMODE(path.stat().st_mode)
        if self._strict and mode & 0o077:
            raise UnusableKey(f"{path} is open to others (mode {mode:04o}): chmod go= {path}")

    def _make_directory(self, purpose: str) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path(purpose, 1).parent.mkdir(mode=0o700, exist_ok=True)


def _decode(text: bytes, path: Path) -> bytes:
    try:
        secret = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        raise UnusableKey(f"{path} is not base64") from None
    if len(secret) != SIZE_BYTES:
        raise UnusableKey(f"{path} holds {len(secret)} bytes instead of {SIZE_BYTES}")
    return secret


def _write_new(path: Path) -> bool:
    """Write a new random key, whole or not at all; `False` where the version exists already."""
    draft = path.with_name(f".{secrets.token_hex(8)}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(SIZE_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, refuses to replace
        _sync_directory(path.parent)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
