"""The public keys that values are sealed to: `<directory>/<reader>/<version>.pub`, base64 of 32 bytes (X25519).

A service reads what events hold for it (`seal`); whoever screens orders reads what is kept of cards (`card`).

Deployment writes them (`write_public_key`). Whoever can write there reads what is sealed from then on, so services
may only read it.
"""

import base64
import binascii
import os
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from shared.keys import Key, KeyProvider

PURPOSE, CARD = "seal", "card"
_PUBLIC_BYTES = 32
_LOOK_AGAIN_S = 1.0
_FILE = re.compile(r"([1-9][0-9]{0,8})\.pub")
_READER = re.compile(r"[a-z][a-z0-9-]{0,40}")


class NoPublicKey(Exception):
    """A reader has no usable public key: deployment has not published it. Names the file or directory."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A reader's public key and its version."""

    version: int
    key: X25519PublicKey


class PublicKeys(Protocol):
    """Where sealers find the public keys of readers."""

    def current(self, reader: str) -> PublicKey:
        """The reader's newest.

        Raises:
            NoPublicKey: there is none.
        """


@dataclass(slots=True)
class _Seen:
    """A reader's current key, as seen in a directory that had changed at `changed_ns` when looked at."""

    looked_at: float
    changed_ns: int
    current: PublicKey


class PublicKeyFiles:
    """Public keys in files; the highest version is current. A new one is noticed within a second.

    Args:
        directory: holds one directory for each reader.
        monotonic: seconds of a clock that never goes back.
    """

    def __init__(self, directory: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._directory = directory
        self._monotonic = monotonic
        self._seen: dict[str, _Seen] = {}

    def current(self, reader: str) -> PublicKey:
        """See `PublicKeys`."""
        seen = self._seen.get(reader)
        now = self._monotonic()
        if seen is not None and now - seen.looked_at < _LOOK_AGAIN_S:
            return seen.current
        folder = self._folder(reader)
        changed_ns = _changed_ns(folder)
        if seen is None or seen.changed_ns != changed_ns or _is_recent(changed_ns):
            seen = self._seen[reader] = _Seen(now, changed_ns, _newest(folder))
        seen.looked_at = now
        return seen.current

    def _folder(self, reader: str) -> Path:
        if not _READER.fullmatch(reader):
            raise NoPublicKey(f"{reader!r} is no name of a reader")
        return self._directory / reader


def reader_of(purpose: str, service: str) -> str | None:
    """The name under which the public half of a service's key is published; None for a purpose that has none."""
    return {PURPOSE: service, CARD: CARD}.get(purpose)


def public_key(key: Key) -> PublicKey:
    """The public half of a key that values are sealed to."""
    return PublicKey(key.version, X25519PrivateKey.from_private_bytes(key.secret.reveal()).public_key())


def write_public_key(keys: KeyProvider, directory: Path, service: str) -> list[Path]:
    """Publish the public half of every key of a service that has one; files that say so already stay untouched.

    Returns:
        What was written: nothing for a service that has no such key.
    """
    written = []
    for purpose in (PURPOSE, CARD):
        folder = directory / (reader_of(purpose, service) or "")
        for version in keys.versions(purpose):
            path = folder / f"{version}.pub"
            text = base64.b64encode(public_key(keys.get(purpose, version)).key.public_bytes_raw()) + b"\n"
            if not path.exists() or path.read_bytes() != text:
                _replace(path, text)
                written.append(path)
    return written


def _changed_ns(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        raise NoPublicKey(f"no public keys in {folder}") from None


def _is_recent(changed_ns: int) -> bool:
    # File times move in ticks of some milliseconds: what changes twice within one looks unchanged.
    return abs(time.time_ns() - changed_ns) < 2_000_000_000


def _newest(folder: Path) -> PublicKey:
    versions = [int(match[1]) for name in os.listdir(folder) if (match := _FILE.fullmatch(name))]
    if not versions:
        raise NoPublicKey(f"no public keys in {folder}")
    path = folder / f"{max(versions)}.pub"
    try:
        raw = base64.b64decode(path.read_bytes().strip(), validate=True)
    except binascii.Error:
        raise NoPublicKey(f"{path} is not base64") from None
    if len(raw) != _PUBLIC_BYTES:
        raise NoPublicKey(f"{path} holds {len(raw)} bytes instead of {_PUBLIC_BYTES}")
    return PublicKey(max(versions), X25519PublicKey.from_public_bytes(raw))


def _replace(path: Path, text: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{secrets.token_hex(8)}.draft")
    try:
        draft.write_bytes(text)
        draft.chmod(0o644)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
