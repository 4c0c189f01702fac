"""Tokens for one bearer: random where they are given out, hashed where they are kept."""

import hashlib

from shared.ids import new_token

SIZE_BYTES = 32


def fresh_token() -> str:
    """256 random bits, base64url."""
    return new_token(SIZE_BYTES)


def fingerprint(token: str) -> bytes:
    """SHA-256. Enough for a random token, which nobody can guess from its hash; never for a password."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
