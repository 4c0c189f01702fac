"""The only source of ids and tokens."""

import secrets
import time
import uuid

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> str:
    """A UUID of version 7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then 74 random bits.

    Opaque to everybody else; ordered by time, so that new documents land side by side in an index.
    """
    millis = time.time_ns() // 1_000_000
    value = (millis << 80) | (0x7 << 76) | (secrets.randbits(12) << 64) | (0b10 << 62) | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def new_token(size_bytes: int = 32) -> str:
    """A secret for one bearer: `size_bytes` random bytes, base64url without padding."""
    return secrets.token_urlsafe(size_bytes)


def new_number(groups: int = 2, size: int = 4) -> str:
    """A number that people can read aloud, such as `7F3K-Q2XM` (Crockford's base 32), random."""
    return "-".join("".join(secrets.choice(_CROCKFORD) for _ in range(size)) for _ in range(groups))
