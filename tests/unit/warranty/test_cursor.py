from datetime import UTC, datetime

import pytest

from services.warranty.records.cursor import read_cursor, write_cursor
from services.warranty.records.store import Position
from shared.errors import InvalidInput


def test_a_cursor_reads_back_as_its_position() -> None:
    position = Position(datetime(2026, 11, 20, 3, 0, 0, 123000, tzinfo=UTC), "o-1.2.3")

    assert read_cursor(write_cursor(position)) == position


def test_no_cursor_is_the_beginning() -> None:
    assert read_cursor("") is None


@pytest.mark.parametrize(
    "cursor", ["%", "x", "bm90LWEtbnVtYmVy", "/w", "MTAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAuYQ", "é"]
)
def test_a_foreign_cursor_is_refused_and_named(cursor: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_cursor(cursor)

    assert [field.pointer for field in refusal.value.fields] == ["cursor"]
