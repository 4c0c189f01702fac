from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from services.warranty.coverage.rules import RULES, WarrantyRule, rule_for
from services.warranty.records.domain import (
    MOST_MONTHS,
    ImpossiblePurchase,
    months_after,
    records_of,
    refuse_impossible,
)
from shared.contracts.orders import PurchaseCompleted, PurchasedItem

TOKYO = ZoneInfo("Asia/Tokyo")
NOON = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


def an_item(item_id: str = "o-1-1-1", *, months: int = 12, price: int = 19800) -> PurchasedItem:
    return PurchasedItem(
        item_id=item_id, sku="kisai-rogue", name="Kisai Rogue", unit_price_minor=price, warranty_months=months
    )


def a_purchase(*items: PurchasedItem, country: str = "JP", at: datetime = NOON) -> PurchaseCompleted:
    return PurchaseCompleted(
        order_id="o-1", number="7F3K-Q2XM", purchased_at=at, currency="JPY", country=country,
        items=items, total_minor=19800, buyer={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("day", "months", "last_day"),
    [
        (date(2026, 11, 20), 24, date(2028, 11, 20)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2027, 11, 30), 3, date(2028, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 5, 31), 0, date(2026, 5, 31)),
    ],
)
def test_months_end_on_the_same_day_or_the_months_last(day: date, months: int, last_day: date) -> None:
    assert months_after(day, months) == last_day


@pytest.mark.parametrize(
    ("country", "bought_on", "rule", "months"),
    [
        ("JP", date(2026, 11, 20), "maker", 0),
        ("", date(2026, 11, 20), "maker", 0),
        ("DE", date(2026, 11, 20), "eu", 24),
        ("de", date(2026, 11, 20), "eu", 24),
        ("ES", date(2021, 12, 31), "eu", 24),
        ("ES", date(2022, 1, 1), "eu-three-years", 36),
        ("SE", date(2026, 11, 20), "eu-three-years", 36),
        ("GB", date(2026, 11, 20), "maker", 0),
    ],
)
def test_a_country_has_the_rule_of_the_day(country: str, bought_on: date, rule: str, months: int) -> None:
    found = rule_for(country, bought_on)

    assert (found.id, found.least_months) == (rule, months)


def test_every_rule_has_its_own_id_and_version() -> None:
    assert len({(rule.id, rule.version) for rule in RULES.rule}) == len(RULES.rule)


def test_there_is_always_a_rule() -> None:
    assert any(not rule.countries and rule.since_on <= date(1970, 1, 1) for rule in RULES.rule)


def test_the_law_raises_a_short_promise_and_leaves_a_long_one() -> None:
    short, long = records_of(a_purchase(an_item("a", months=12), an_item("b", months=60), country="FR"), zone=TOKYO)

    assert (short.months, short.covered_until) == (24, date(2028, 11, 20))
    assert (long.months, long.covered_until) == (60, date(2031, 11, 20))


def test_the_day_of_purchase_is_the_shops() -> None:
    late_evening_in_europe = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)

    [record] = records_of(a_purchase(an_item(months=1), at=late_evening_in_europe), zone=TOKYO)

    assert record.covered_until == date(2026, 12, 21)


def test_a_record_says_what_when_and_by_which_rule() -> None:
    rules = [WarrantyRule(id="house", version=7, since_on=date(2020, 1, 1), least_months=30)]

    [record] = records_of(a_purchase(an_item()), zone=TOKYO, rules=rules)

    assert (record.id, record.sku, record.name) == ("o-1-1-1", "kisai-rogue", "Kisai Rogue")
    assert (record.unit_price_minor, record.currency, record.country) == (19800, "JPY", "JP")
    assert (record.order_id, record.order_number, record.purchased_at) == ("o-1", "7F3K-Q2XM", NOON)
    assert (record.rule, record.rule_version, record.months) == ("house", 7, 30)
    assert record.owner is None


@pytest.mark.parametrize(
    "items",
    [
        (),
        (an_item(""),),
        (an_item("a"), an_item("a")),
        (an_item(months=-1),),
        (an_item(months=MOST_MONTHS + 1),),
        (an_item(price=-1),),
        (an_item(price=2**63),),
    ],
)
def test_an_impossible_purchase_is_refused_whole(items: tuple[PurchasedItem, ...]) -> None:
    with pytest.raises(ImpossiblePurchase):
        refuse_impossible(a_purchase(*items))
