"""Until when an item is covered: the day's rule, its start, repairs, exclusions."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.warranty.coverage.cover import coverage_of
from services.warranty.coverage.rules import BUNDLED, BadCoverageRules, load_coverage_rules
from services.warranty.records.domain import PurchaseRecord
from tests.unit.warranty.doubles import NOON, a_record

TOKYO = ZoneInfo("Asia/Tokyo")
BOUGHT = date(2026, 11, 20)


def in_germany(**facts: object) -> PurchaseRecord:
    return replace(a_record(), country="DE", months=24, rule="eu", rule_version=1, **facts)  # type: ignore[arg-type]


def test_a_makers_promise_counts_from_the_purchase_whenever_it_arrives() -> None:
    record = replace(a_record(), delivered_at=NOON + timedelta(days=30))

    found = coverage_of(record, BOUGHT, zone=TOKYO)

    assert (found.since, found.until, found.rule, found.rule_version) == (BOUGHT, date(2027, 11, 20), "maker", 1)


@pytest.mark.parametrize(
    ("facts", "since"),
    [
        ({}, BOUGHT),
        ({"shipped_at": NOON + timedelta(days=1)}, date(2026, 12, 5)),
        ({"shipped_at": NOON + timedelta(days=1), "delivered_at": NOON + timedelta(days=3)}, date(2026, 11, 23)),
        ({"delivered_at": NOON - timedelta(days=3)}, BOUGHT),
    ],
    ids=["nothing known", "shipped", "delivered", "delivered before it was paid"],
)
def test_the_law_of_the_eu_counts_from_the_delivery(facts: dict[str, object], since: date) -> None:
    found = coverage_of(in_germany(**facts), BOUGHT, zone=TOKYO)

    assert (found.since, found.until) == (since, since.replace(year=since.year + 2))


@pytest.mark.parametrize(("on", "why"), [(date(2027, 11, 20), ""), (date(2027, 11, 21), "over")])
def test_the_last_day_still_counts(on: date, why: str) -> None:
    assert coverage_of(a_record(), on, zone=TOKYO).why == why


def test_days_in_repair_are_added_and_named() -> None:
    found = coverage_of(replace(a_record(), extended_days=9), date(2027, 11, 29), zone=TOKYO)

    assert (found.until, found.extended_days, found.is_covered) == (date(2027, 11, 29), 9, True)


@pytest.mark.parametrize(
    ("problem", "on", "why", "until"),
    [
        ("strap", date(2027, 5, 20), "", date(2027, 11, 20)),
        ("strap", date(2027, 5, 21), "wear-of-the-strap", date(2027, 5, 20)),
        ("glass", BOUGHT, "broken-glass", date(2026, 11, 19)),
        ("stopped", date(2027, 11, 20), "", date(2027, 11, 20)),
        ("battery", date(2027, 11, 21), "over", date(2027, 11, 20)),
    ],
)
def test_what_is_excluded_says_so_and_until_when_it_was_not(problem: str, on: date, why: str, until: date) -> None:
    found = coverage_of(a_record(), on, zone=TOKYO, problem=problem)

    assert (found.why, found.until) == (why, until)


@pytest.mark.parametrize(
    ("facts", "why"), [({"cancelled_at": NOON}, "cancelled"), ({"is_paid_back": True}, "refunded")]
)
def test_what_was_cancelled_or_paid_back_is_not_covered(facts: dict[str, object], why: str) -> None:
    record = replace(a_record(), **facts)  # type: ignore[arg-type]

    assert coverage_of(record, BOUGHT, zone=TOKYO).why == why


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rule", "is not TOML"),
        ("", "rule: Field required"),
        ('[[rule]]\nid = "house"\nversion = 0\nsince_on = 1970-01-01\nleast_months = 1', "rule 1 version"),
        (
            '[[rule]]\nid = "house"\nversion = 1\nsince_on = 1970-01-01\nleast_months = 1\nstarts = "noon"',
            "rule 1 starts",
        ),
        ('[[rule]]\nid = "house"\nversion = 1\nsince_on = 2020-01-01\nleast_months = 1', "without countries"),
        (BUNDLED.read_text() + '\n[[exclusion]]\nproblem = "x"\nafter_months = -1\nwhy = "y"', "exclusion 4"),
    ],
)
def test_a_file_with_a_mistake_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(text)

    with pytest.raises(BadCoverageRules) as refused:
        load_coverage_rules(file)

    assert said in str(refused.value)
