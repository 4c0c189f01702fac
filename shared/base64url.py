"""Base64url without padding (RFC 4648 section 5, RFC 7515 section 2), read as strictly as it is written."""

from base64 import b64decode, urlsafe_b64encode


def encode(raw: bytes) -> str:
    """The one way to write these bytes."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """What was written.

    Raises:
        ValueError: not the one way to write it: another sign between, padding, other bits behind the last byte.
    """
    written = text.encode("ascii")
    raw = b64decode(written + b"=" * (-len(written) % 4), altchars=b"-_", validate=True)
    if urlsafe_b64encode(raw).rstrip(b"=") != written:
        raise ValueError("not the one way to write it")
    return raw
