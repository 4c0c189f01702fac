"""Moments that are sent: RFC 3339 with an offset, kept in UTC."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.http.moments import Moment

MOMENT = TypeAdapter(Moment)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T12:00:00Z", NOON),
        ("2026-11-22t12:00:00z", NOON),
        ("2026-11-22T21:00:00+09:00", NOON),
        ("2026-11-22T12:00:00.25+00:00", NOON + timedelta(milliseconds=250)),
        ("2026-11-22T12:00:00.123456789Z", NOON + timedelta(microseconds=123456)),
    ],
)
def test_a_moment_is_read_into_utc(text, moment):
    read = MOMENT.validate_json(f'"{text}"', strict=True)

    assert (read, read.utcoffset()) == (moment, timedelta(0))


@pytest.mark.parametrize(
    "sent",
    [
        "1900000000",
        "2026-11-22",
        "2026-11-22T12:00:00",
        "2026-11-22T12:00Z",
        "2026-11-22 12:00:00Z",
        "20261122T120000Z",
        "2026-W47-7T12:00:00Z",
        "2026-11-22T12:00:00+0900",
        "2026-11-22T12:00:00Z ",
        "2026-02-30T12:00:00Z",
        "2026-11-22T24:00:01Z",
        "2026-11-22T12:00:60Z",
        "2026-11-22T12:00:00+24:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "２０２６-11-22T12:00:00Z",
        1900000000,
        1.5,
        True,
        None,
    ],
)
def test_everything_else_is_refused_and_not_repeated(sent):
    with pytest.raises(ValidationError) as caught:
        MOMENT.validate_python(sent)

    assert [fault["type"] for fault in caught.value.errors()] == ["invalid-moment"]
    assert "hidden" in str(caught.value.errors()[0]["input"]) or str(sent) not in str(caught.value)
