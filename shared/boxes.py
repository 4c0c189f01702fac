"""Boxes: values encrypted with AES-256-GCM and bound to the place where they are kept.

Two layouts; all numbers are big-endian, `nonce` is 12 random bytes, `sealed` the ciphertext and its 16-byte tag:

    under the data key of a person    01 | nonce | sealed
    under a key of a provider         02 | key version, 4 bytes | nonce | sealed

Everything that is not in the box but says where it belongs goes into the associated data, so a box that was altered,
or moved to another field, document or person, does not open. Random nonces allow 2**32 boxes under one key
(NIST SP 800-38D section 8.3): far more than a person has fields, and for a provider's key a reason to rotate in time.
"""

import os
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.keys import Key, KeyProvider, UnknownKey
from shared.metrics import DECRYPTIONS

_PERSON = b"\x01"
_PROVIDER = b"\x02"
_NONCE_BYTES = 12
_TAG_BYTES = 16
_VERSION_BYTES = 4
_LENGTH = struct.Struct(">I")


class Tampered(Exception):
    """A box was altered, cut or moved, or the key that it names is not here. Names the place, never the value."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is kept. A box opens in no other place."""

    collection: str
    field: str
    document_id: str

    def __str__(self) -> str:
        return f"{self.collection}.{self.field} of {self.document_id}"


def bind(*parts: str) -> bytes:
    """The parts, each after its length in 4 bytes: no two lists of parts give the same bytes."""
    return b"".join(map(_measured, parts))


def _measured(part: str) -> bytes:
    encoded = part.encode()
    return _LENGTH.pack(len(encoded)) + encoded


def as_bytes(value: str | bytes) -> bytes:
    """Text as UTF-8, bytes as they are."""
    return value.encode() if isinstance(value, str) else value


def seal_person_box(cipher: AESGCM, value: bytes, bound: bytes) -> bytes:
    """A box under a person's data key."""
    nonce = os.urandom(_NONCE_BYTES)
    return _PERSON + nonce + cipher.encrypt(nonce, value, bound)


def open_person_box(cipher: AESGCM, box: bytes, bound: bytes) -> bytes | None:
    """The value, or `None` where the box is not this one."""
    if box[:1] != _PERSON:
        return None
    return _decrypt(cipher, box, len(_PERSON), bound)


def seal_with(key: Key, value: str | bytes, at: Place) -> bytes:
    """A box for a value that has a key of its own, such as the kept parts of a card."""
    return seal_provider_box(key, as_bytes(value), _bound_to_key(key.purpose, at))


def open_with(keys: KeyProvider, purpose: str, box: bytes, at: Place) -> bytes:
    """The value that `seal_with` put away; counted as a decryption for the purpose of its key.

    Raises:
        Tampered: altered, moved, or the version of the key is not here.
    """
    value = open_provider_box(keys, purpose, box, _bound_to_key(purpose, at), name=str(at))
    DECRYPTIONS.labels(purpose=purpose).inc()
    return value


def seal_provider_box(key: Key, value: bytes, bound: bytes) -> bytes:
    """A box that names the version of its key."""
    head = _PROVIDER + key.version.to_bytes(_VERSION_BYTES, "big")
    nonce = os.urandom(_NONCE_BYTES)
    return head + nonce + AESGCM(key.secret.reveal()).encrypt(nonce, value, head + bound)


def open_provider_box(keys: KeyProvider, purpose: str, box: bytes, bound: bytes, *, name: str) -> bytes:
    """The value in a box of `seal_provider_box`; `name` is what an error calls it.

    Raises:
        Tampered: altered, moved, or the version of the key is not here.
    """
    version = key_version(box)
    head_bytes = len(_PROVIDER) + _VERSION_BYTES
    try:
        key = keys.get(purpose, version)
    except UnknownKey as error:
        raise Tampered(f"{name}: was sealed with version {version} of key {purpose!r}, which is not here") from error
    value = _decrypt(AESGCM(key.secret.reveal()), box, head_bytes, box[:head_bytes] + bound)
    if value is None:
        raise Tampered(f"{name}: altered or moved")
    return value


def key_version(box: bytes) -> int:
    """The version of the provider's key that a box names; 0, which no key has, where it names none."""
    if box[:1] != _PROVIDER:
        return 0
    return int.from_bytes(box[1 : 1 + _VERSION_BYTES], "big")


def _bound_to_key(purpose: str, at: Place) -> bytes:
    return bind("padlock field under a key", purpose, at.collection, at.field, at.document_id)


def _decrypt(cipher: AESGCM, box: bytes, start: int, bound: bytes) -> bytes | None:
    text = start + _NONCE_BYTES
    if len(box) < text + _TAG_BYTES:
        return None
    try:
        return cipher.decrypt(box[start:text], box[text:], bound)
    except InvalidTag:
        return None
