"""The opaque cursor of a list: a position as base64url, to be handed back as it came."""

import base64
import binascii
from datetime import UTC, datetime, timedelta

from services.warranty.records.store import Position
from shared.errors import FieldError, InvalidInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def write_cursor(position: Position) -> str:
    """Milliseconds of the position's moment, a dot, its id."""
    millis = (position.purchased_at - _EPOCH) // _MILLISECOND
    return base64.urlsafe_b64encode(f"{millis}.{position.id}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> Position | None:
    """The position that `write_cursor` wrote; nothing for "".

    Raises:
        InvalidInput: we never wrote that.
    """
    if not cursor:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        millis, _, record_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(".")
        return Position(_EPOCH + int(millis) * _MILLISECOND, record_id)
    except (binascii.Error, UnicodeError, ValueError, OverflowError):
        raise InvalidInput(fields=[FieldError("cursor", "unknown-cursor", "not a cursor of this list")]) from None
