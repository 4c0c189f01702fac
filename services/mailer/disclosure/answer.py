"""The answer: what is known of one person, sealed so that only the requester can read it.

HPKE (RFC 9180), X25519, HKDF-SHA256, AES-256-GCM; `info` is `padlock disclosure <id>`, so an answer that was moved to
another case does not open. The sealed bytes are the encapsulated key (32 bytes) and the ciphertext.
"""

import base64
import binascii
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from shared.errors import FieldError, InvalidInput

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def read_requester_key(text: str) -> str:
    """A public key as it is kept: base64 of 32 bytes. Given as that, or as PEM.

    Raises:
        InvalidInput: it is no X25519 public key.
    """
    try:
        if "BEGIN" in text:
            key = load_pem_public_key(text.encode())
            if not isinstance(key, X25519PublicKey):
                raise ValueError
        else:
            key = X25519PublicKey.from_public_bytes(base64.b64decode(text.strip(), validate=True))
        # A point of low order has no secret to share (RFC 7748 section 6.1); that shows only where one is wanted.
        SUITE.encrypt(b"", key, b"")
    except (ValueError, binascii.Error):
        raise InvalidInput(
            "the requester's key must be an X25519 public key, PEM or base64",
            fields=[FieldError("/requester_key", "invalid-key", "no X25519 public key")],
        ) from None
    return base64.b64encode(key.public_bytes_raw()).decode()


def info_of(disclosure_id: str) -> bytes:
    """What an answer is bound to."""
    return f"padlock disclosure {disclosure_id}".encode()


def seal_answer(values: dict[str, Any], *, disclosure_id: str, requester_key: str) -> bytes:
    """What only the holder of the private key can open, and only as the answer to this request."""
    key = X25519PublicKey.from_public_bytes(base64.b64decode(requester_key))
    return SUITE.encrypt(orjson.dumps(values), key, info_of(disclosure_id))
