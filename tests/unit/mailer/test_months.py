from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.mailer.months import Calendar
from shared.caps import CapTable

TABLE = CapTable(1, {11: 3, 12: 3})
TOKYO = Calendar(ZoneInfo("Asia/Tokyo"), TABLE)


def at(text: str, zone: str = "Asia/Tokyo") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_the_table_is_read_from_its_text():
    assert CapTable.parse("1, 11:3,12:3") == TABLE


@pytest.mark.parametrize("text", ["", "x", "11:3", "1,2", "1,13:3", "1,0:3", "1,11:3,11:2", "1,11:-3", "1;11:3"])
def test_a_malformed_table_is_refused(text):
    with pytest.raises(ValueError, match=r"must|twice"):
        CapTable.parse(text)


@pytest.mark.parametrize(("month", "cap"), [("2026-01", 1), ("2026-11", 3), ("2026-12", 3), ("2027-02", 1)])
def test_each_month_has_its_cap(month, cap):
    assert TABLE.of(int(month[5:])) == cap


def test_the_month_is_the_shops_and_not_utcs():
    assert TOKYO.month_of(datetime(2026, 10, 31, 15, 0, tzinfo=UTC)) == "2026-11"
    assert TOKYO.month_of(datetime(2026, 10, 31, 14, 59, 59, tzinfo=UTC)) == "2026-10"


def test_in_mid_month_one_place_is_needed():
    assert TOKYO.place_at(at("2026-11-15T12:00")).caps == {"2026-11": 3}


@pytest.mark.parametrize(
    ("moment", "months"),
    [
        ("2026-10-30T21:59:59", ["2026-10"]),
        ("2026-10-30T22:00:00", ["2026-10", "2026-11"]),
        ("2026-10-31T23:59:59", ["2026-10", "2026-11"]),
        ("2026-11-01T00:00:00", ["2026-10", "2026-11"]),
        ("2026-11-02T01:59:59", ["2026-10", "2026-11"]),
        ("2026-11-02T02:00:00", ["2026-11"]),
        ("2026-12-31T12:00:00", ["2026-12", "2027-01"]),
    ],
)
def test_near_the_edge_both_months_need_a_place(moment, months):
    assert list(TOKYO.place_at(at(moment)).caps) == months


def test_the_edge_is_counted_in_hours_that_pass_over_a_change_of_summer_time():
    berlin = Calendar(ZoneInfo("Europe/Berlin"), TABLE, edge=timedelta(days=7))
    month_ends = at("2026-11-01T00:00", "Europe/Berlin")

    # 25 October 2026 has 25 hours: seven times 24 hours before the end is 01:00 of that day, summer time.
    assert list(berlin.place_at(month_ends - timedelta(days=7, seconds=1)).caps) == ["2026-10"]
    assert list(berlin.place_at(month_ends - timedelta(days=7)).caps) == ["2026-10", "2026-11"]


def test_a_place_of_one_month_is_no_good_in_the_next():
    place = TOKYO.place_at(at("2026-10-31T23:59"))

    assert TOKYO.still_good(place, at("2026-10-31T23:59:59"))
    assert not TOKYO.still_good(place, at("2026-11-01T00:00"))


def test_a_place_in_one_month_is_no_good_once_two_are_needed():
    place = TOKYO.place_at(at("2026-10-30T21:59"))

    assert not TOKYO.still_good(place, at("2026-10-30T22:00"))


def test_two_places_are_good_where_one_is_enough():
    place = TOKYO.place_at(at("2026-11-02T01:59"))

    assert TOKYO.still_good(place, at("2026-11-02T02:00"))


@pytest.mark.parametrize(
    ("moment", "ends"),
    [
        ("2026-11-15T12:00", None),
        ("2026-10-31T12:00", "2026-11-02T02:00"),
        ("2026-11-01T12:00", "2026-11-02T02:00"),
        ("2026-12-31T12:00", "2027-01-02T02:00"),
    ],
)
def test_the_end_of_an_edge(moment, ends):
    assert TOKYO.edge_ends(at(moment)) == (ends and at(ends))


@pytest.mark.parametrize("edge", [timedelta(hours=26), timedelta(hours=26, microseconds=1)])
def test_an_answer_of_the_same_second_is_the_answer_of_each_moment_in_it(edge):
    begins = at("2026-11-01T00:00:00")
    moments = [begins + part for part in (timedelta(0), -timedelta(microseconds=1), timedelta(microseconds=1))]
    moments += [moment + edge for moment in moments] + [moment - edge for moment in moments]
    asked_often = Calendar(TOKYO.zone, TABLE, edge)

    again = [asked_often.place_at(moment) for _ in range(2) for moment in moments]

    assert again == [Calendar(TOKYO.zone, TABLE, edge).place_at(moment) for _ in range(2) for moment in moments]
    assert len({tuple(place.caps) for place in again}) == 3
