"""Moments as they are sent to us: date and time with an offset (RFC 3339), never a number of seconds."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import ValidatorFunctionWrapHandler, WithJsonSchema, WrapValidator

from shared.secrets import hidden_error

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE
)


def _moment(value: object, _: ValidatorFunctionWrapHandler) -> datetime:
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):  # no such day; before the year 1 or after 9999 in UTC
            pass
    raise hidden_error("invalid-moment", "must be a date and time with an offset such as 2026-11-22T12:00:00+09:00")


Moment = Annotated[
    datetime,
    WrapValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A request model's moment, in UTC."""
