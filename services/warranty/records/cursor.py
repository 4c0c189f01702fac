"""The opaque cursor of a list: a position as base64url, to be handed back as it came."""

from datetime import UTC, datetime, timedelta

from services.warranty.records.store import Position
from shared import base64url
from shared.http.paging import unknown_cursor

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def write_cursor(position: Position) -> str:
    """Milliseconds of the position's moment, a dot, its id."""
    millis = (position.purchased_at - _EPOCH) // _MILLISECOND
    return base64url.encode(f"{millis}.{position.id}".encode())


def read_cursor(cursor: str) -> Position | None:
    """The position that `write_cursor` wrote; nothing for "".

    Raises:
        InvalidInput: we never wrote that.
    """
    if not cursor:
        return None
    try:
        millis, _, record_id = base64url.decode(cursor).decode().partition(".")
        return Position(_EPOCH + int(millis) * _MILLISECOND, record_id)
    except (ValueError, OverflowError):
        raise unknown_cursor() from None
