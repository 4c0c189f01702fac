"""The tax of a purchase: by a table that people read, rounded once, to the last unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.taxes.domain import TaxRule
from services.orders.taxes.table import TABLE, read_table, tax_on

ROWS = """
version = 1
[[rule]]
kind = "gst"
rate_bp = 500
included = false
countries = ["CA"]
"""


@pytest.mark.parametrize(
    ("sum_minor", "rate_bp", "included", "amount_minor"),
    [
        (1_100, 1_000, True, 100),
        (1_099, 1_000, True, 100),  # 99.909...
        (15_600, 1_000, True, 1_418),  # 1,418.18...
        (11_900, 1_900, True, 1_900),
        (105, 1_000, False, 11),  # 10.5: half up
        (104, 1_000, False, 10),
        (0, 1_000, True, 0),
        (10_000, 0, True, 0),
    ],
)
def test_it_is_rounded_once_and_half_up(sum_minor: int, rate_bp: int, included: bool, amount_minor: int) -> None:
    assert TaxRule("vat", rate_bp, included).on(sum_minor).amount_minor == amount_minor


@given(st.integers(0, 2**53), st.integers(0, 10_000), st.booleans())
def test_it_is_off_by_half_a_unit_at_most(sum_minor: int, rate_bp: int, included: bool) -> None:
    amount = TaxRule("vat", rate_bp, included).on(sum_minor).amount_minor

    base_bp = 10_000 + rate_bp if included else 10_000
    assert abs(2 * (amount * base_bp - sum_minor * rate_bp)) <= base_bp
    assert 0 <= amount <= sum_minor


def test_where_the_shop_has_no_rule_nothing_is_due() -> None:
    assert tax_on(10_000, country="US", sells_in_eu=True).amount_minor == 0


@pytest.mark.parametrize(("sells_in_eu", "rate_bp"), [(False, 0), (True, 1_900)])
def test_the_eu_counts_where_the_shop_sells_there(sells_in_eu: bool, rate_bp: int) -> None:
    assert tax_on(10_000, country="DE", sells_in_eu=sells_in_eu).rate_bp == rate_bp


def test_all_of_the_eu_is_in_the_table() -> None:
    rules = read_table(TABLE.read_text("utf-8"), sells_in_eu=True)

    assert len(rules) == 27 + 2
    assert all(1_700 <= rule.rate_bp <= 2_700 for country, rule in rules.items() if country not in ("JP", "GB"))


def test_tax_that_is_not_in_the_price_is_added_to_it() -> None:
    tax = read_table(ROWS, sells_in_eu=False)["CA"].on(1_000)

    assert (tax.amount_minor, tax.added_minor, tax.included) == (50, 50, False)


@pytest.mark.parametrize(
    ("table", "word"),
    [
        (ROWS.replace("500", "20000"), "rate_bp"),
        (ROWS.replace('["CA"]', '["Canada"]'), "countries"),
        (ROWS + 'note = "x"\n', "note"),
        (ROWS + ROWS.replace("version = 1", ""), "two rules: CA"),
        (ROWS.replace("rate_bp = 500\n", ""), "rate_bp with countries"),
        (ROWS.replace("version = 1", "version = 2"), "version"),
        ("version =", "Invalid value"),
    ],
)
def test_a_table_with_a_mistake_is_refused_and_the_mistake_named(table: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        read_table(table, sells_in_eu=False)
