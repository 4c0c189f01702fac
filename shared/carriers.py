"""Many values for one reader at the price of one: a key that is carried by HPKE seals all of a minute.

HPKE (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. A sender makes a key, seals it once
to the reader (the carrier), and seals values under it with AES-256-GCM until it is a minute old:

    carrier: encapsulated key, sealed key and its tag, 80 bytes | nonce, 12 bytes | ciphertext and its tag

To seal and to open a value then costs some microseconds instead of two scalar multiplications each. Whoever reads the
memory of a sender learns the keys of at most a minute, hence what that process has sealed within it, and has in memory
anyway; what was sealed before stays closed, as with HPKE alone. Random nonces allow 2**32 values under one key (NIST
SP 800-38D section 8.3), and a carrier is given up long before.
"""

import os
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
"""The one suite of HPKE that is used here."""
CARRIED_S = 60.0
CARRIED_VALUES = 2**20
CARRIER_BYTES = 32 + 32 + 16
_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_REMEMBERED = 256
_RECEIVERS = 64


@dataclass(slots=True)
class _Carrier:
    """A key, how it is carried, and how long it is still used."""

    box: bytes
    cipher: AESGCM
    until: float
    left: int


class Carriers:
    """A sender's side; one for each process, for what it seals to any reader.

    Args:
        monotonic: seconds of a clock that never goes back.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._current: dict[bytes, _Carrier] = {}

    def seal(self, value: bytes, to: X25519PublicKey, *, name: bytes, bound: bytes) -> bytes:
        """A box for the holder of the private half.

        `name` is that of the reader's key: a carrier opens under it alone. `bound` is what the value belongs to: the
        box opens with the same bytes alone.
        """
        carrier = self._carrier(to, name)
        nonce = os.urandom(_NONCE_BYTES)
        return carrier.box + nonce + carrier.cipher.encrypt(nonce, value, bound)

    def _carrier(self, to: X25519PublicKey, name: bytes) -> _Carrier:
        reader = to.public_bytes_raw() + name
        carrier, now = self._current.get(reader), self._monotonic()
        if carrier is None or now >= carrier.until or not carrier.left:
            if len(self._current) >= _RECEIVERS:  # keys were rotated that often
                self._current.clear()
            key = os.urandom(_KEY_BYTES)
            box = SUITE.encrypt(key, to, name)
            carrier = self._current[reader] = _Carrier(box, AESGCM(key), now + CARRIED_S, CARRIED_VALUES)
        carrier.left -= 1
        return carrier


class Carried:
    """A reader's side; it remembers the keys of the carriers that it has opened lately."""

    def __init__(self) -> None:
        self._ciphers: OrderedDict[tuple[bytes, bytes], AESGCM] = OrderedDict()

    def open(self, box: bytes, private: X25519PrivateKey, *, name: bytes, bound: bytes) -> bytes | None:
        """The value, or None where the box was altered, moved, or sealed to another key."""
        text = CARRIER_BYTES + _NONCE_BYTES
        if len(box) < text + _TAG_BYTES:
            return None
        try:
            cipher = self._cipher(box[:CARRIER_BYTES], private, name)
            return cipher.decrypt(box[CARRIER_BYTES:text], box[text:], bound)
        except (InvalidTag, ValueError):
            return None

    def _cipher(self, carrier: bytes, private: X25519PrivateKey, name: bytes) -> AESGCM:
        place = (carrier, private.public_key().public_bytes_raw() + name)
        cipher = self._ciphers.get(place)
        if cipher is None:
            cipher = self._ciphers[place] = AESGCM(SUITE.decrypt(carrier, private, name))
            if len(self._ciphers) > _REMEMBERED:
                self._ciphers.popitem(last=False)
        return cipher
