"""Business days around weekends, holidays, clock changes and the end of a year; days on which a claim waits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.warranty.claims.calendar import CountryCalendar
from services.warranty.claims.deadlines import business_days_after, business_days_between, deadlines_of
from services.warranty.claims.sweep import sweep_claims
from tests.unit.warranty.claim_doubles import is_holiday
from tests.unit.warranty.conftest import Client
from tests.unit.warranty.doubles import NOON, TOKYO
from tests.unit.warranty.test_claims import CLAIMS, opened, step
from tests.unit.warranty.world import World

JAPAN, GERMANY = ("JP", TOKYO), ("DE", "Europe/Berlin")


@pytest.mark.parametrize(
    ("shop", "opened_at", "days", "by"),
    [
        # The year's end: Thursday, New Year's Day, a weekend.
        (JAPAN, "2026-12-30T12:00+09:00", 2, "2027-01-04T18:00+09:00"),
        # Four days in a row without work: a weekend, and the holidays of May on Sunday to Tuesday, moved to Wednesday.
        (JAPAN, "2026-05-01T12:00+09:00", 1, "2026-05-07T18:00+09:00"),
        # Midnight in Tokyo is still yesterday in UTC: the day is the shop's.
        (JAPAN, "2026-12-01T00:30+09:00", 1, "2026-12-02T18:00+09:00"),
        # Clocks go back on the 25th of October: six in the evening stays six in the evening.
        (GERMANY, "2026-10-23T12:00+02:00", 1, "2026-10-26T18:00+01:00"),
        # And forward on the 28th of March 2027, with Good Friday and Easter Monday around it.
        (GERMANY, "2027-03-25T12:00+01:00", 1, "2027-03-30T18:00+02:00"),
        # Christmas, whose second day is a Saturday.
        (GERMANY, "2026-12-23T17:59+01:00", 2, "2026-12-28T18:00+01:00"),
        # Opened on a Sunday: the first day that counts is Monday's.
        (GERMANY, "2026-11-29T23:59+01:00", 1, "2026-11-30T18:00+01:00"),
        # A leap day is a day like others.
        (GERMANY, "2028-02-28T09:00+01:00", 1, "2028-02-29T18:00+01:00"),
    ],
)
async def test_a_deadline_is_the_evening_of_a_day_on_which_the_shop_works(
    shop: tuple[str, str], opened_at: str, days: int, by: str
) -> None:
    country, zone = shop
    holidays = await CountryCalendar(country).holidays()

    found = business_days_after(datetime.fromisoformat(opened_at), days, zone=ZoneInfo(zone), is_holiday=holidays)

    assert found == datetime.fromisoformat(by)
    assert found.utcoffset() == datetime.fromisoformat(by).utcoffset()


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        ("2026-11-20T12:00+09:00", "2026-11-20T23:59+09:00", 0),
        ("2026-11-20T23:59+09:00", "2026-11-21T00:01+09:00", 0),  # Saturday
        ("2026-11-20T12:00+09:00", "2026-11-24T00:00+09:00", 1),  # the weekend, and Monday is a holiday
        ("2026-11-19T14:59+00:00", "2026-11-19T15:00+00:00", 1),  # midnight in Tokyo
        ("2026-11-24T12:00+09:00", "2026-11-20T12:00+09:00", 0),  # clocks that went back
    ],
)
def test_business_days_between_two_moments_are_the_shops(since: str, until: str, days: int) -> None:
    moments = datetime.fromisoformat(since), datetime.fromisoformat(until)

    assert business_days_between(*moments, zone=ZoneInfo(TOKYO), is_holiday=is_holiday) == days


def test_deadlines_never_come_before_the_claim() -> None:
    for hours in range(0, 24 * 400, 7):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
        clock = deadlines_of(at, zone=ZoneInfo("Europe/Berlin"), is_holiday=is_holiday)
        assert at < clock.first_answer_by < clock.resolve_by


async def test_days_on_which_a_claim_waits_for_its_claimant_are_not_the_shops(client: Client, world: World) -> None:
    """Asked on Friday, answered three weeks later: the resolution has as many business days as before."""
    claim = await opened(client, world)
    await step(client, world, claim, "questions", {"text": "Was it in water?"})
    world.clock.advance(days=21)
    await sweep_claims(world.deps)
    waiting = world.claims.claims[claim["id"]]
    await client.post(f"{CLAIMS}/{claim['id']}/messages", json={"text": "No."}, headers=world.as_customer("a-1"))
    await sweep_claims(world.deps)

    after = world.claims.claims[claim["id"]]
    assert waiting.clock.overdue == after.clock.overdue == ()
    assert after.clock.resolve_by.isoformat() == "2026-12-25T18:00:00+09:00"  # ten business days after the answer
    assert after.clock.resolve_by > NOON + timedelta(days=21)


async def test_a_claim_that_was_late_stays_noted_as_late(client: Client, world: World) -> None:
    claim = await opened(client, world)
    stored = world.claims.claims[claim["id"]]
    late = replace(stored.clock, reminded=("resolution",), overdue=("resolution",))
    world.claims.claims[claim["id"]] = replace(stored, clock=late)

    await step(client, world, claim, "questions", {"text": "Was it in water?"})
    world.clock.advance(days=7)
    await step(client, world, claim, "decision", {"outcome": "refund", "return_first": True})
    world.clock.advance(days=7)
    _, received = await step(client, world, claim, "receipt", {"serial": ""})

    after = world.claims.claims[claim["id"]].clock
    assert (after.overdue, received["overdue"]) == (("resolution",), ["resolution"])
    assert after.resolve_by.isoformat() == "2026-12-18T18:00:00+09:00"  # ten days, the holiday out, and nine waited


async def test_a_step_on_the_same_day_moves_nothing(client: Client, world: World) -> None:
    claim = await opened(client, world)
    await step(client, world, claim, "questions", {"text": "Was it in water?"})
    before = world.claims.claims[claim["id"]].clock.resolve_by
    await client.post(f"{CLAIMS}/{claim['id']}/messages", json={"text": "No."}, headers=world.as_customer("a-1"))

    assert world.claims.claims[claim["id"]].clock.resolve_by == before
