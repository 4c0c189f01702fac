"""The only source of ids and tokens."""

import os
import secrets
import time

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MEANT = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None, "\N{EN DASH}": None})
# RFC 9562 section 5.7: version in bits 48 to 51, variant in bits 64 and 65.
_VERSION_7 = 0x7 << 76 | 0b10 << 62
_NANOS_A_MILLI = 1_000_000
_RANDOM_BITS = 62
_PART_BYTES = 8
_AT_ONCE = 64
_spare: list[bytes] = []
os.register_at_fork(after_in_child=_spare.clear)  # a child must not give out its parent's ids


def new_id() -> str:
    """A UUID of version 7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, 12 of their fraction, 62 random bits.

    Opaque to everybody else; ordered by time, so that new documents land side by side in an index. The fraction
    (section 6.2, method 3) keeps those of one process in order that were made within the same millisecond.
    """
    millis, nanos = divmod(time.time_ns(), _NANOS_A_MILLI)
    fraction = (nanos << 12) // _NANOS_A_MILLI
    chance = int.from_bytes(_random_part(), "big") >> (8 * _PART_BYTES - _RANDOM_BITS)
    text = f"{millis << 80 | fraction << 64 | _VERSION_7 | chance:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _random_part() -> bytes:
    """Random bytes, of many that were asked for at once.

    Each call of the system gives the interpreter lock away, and other threads are slow to return it: 15 µs of them in a
    process with a driver's threads, for something that takes half of one.
    """
    try:
        return _spare.pop()
    except IndexError:
        fresh = os.urandom(_PART_BYTES * _AT_ONCE)
        _spare.extend(fresh[at : at + _PART_BYTES] for at in range(_PART_BYTES, len(fresh), _PART_BYTES))
        return fresh[:_PART_BYTES]


def new_token(size_bytes: int = 32) -> str:
    """A secret for one bearer: `size_bytes` random bytes, base64url without padding."""
    return secrets.token_urlsafe(size_bytes)


def read_crockford(text: str) -> str | None:
    """What somebody typed of such signs, in one spelling; None where another sign is among them.

    Case, dashes and spaces are forgiven, and letters that are read for digits: O for 0, I and L for 1.
    """
    signs = text.upper().translate(_MEANT)
    return signs if set(signs) <= set(_CROCKFORD) else None


def new_number(groups: int = 2, size: int = 4) -> str:
    """A number that people can read aloud, such as `7F3K-Q2XM` (Crockford's base 32), random."""
    signs = "".join(_CROCKFORD[byte & 31] for byte in os.urandom(groups * size))
    return "-".join(signs[start : start + size] for start in range(0, groups * size, size))
