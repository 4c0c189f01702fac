from datetime import UTC, datetime

import pytest

from services.orders.checkout.card import KeptCard, is_plausible, keep, refuse_expired
from services.orders.payments.cards import TEST_NUMBERS
from shared.cardlike import brand_of
from shared.errors import InvalidInput
from shared.secrets import CardNumber


@pytest.mark.parametrize("number", [*TEST_NUMBERS, "4242424242424242", "5555555555554444", "378282246310005"])
def test_every_test_number_passes_its_check_digit(number: str) -> None:
    assert is_plausible(CardNumber(number))


def test_one_wrong_digit_is_noticed() -> None:
    assert not any(is_plausible(CardNumber(f"424242424242424{digit}")) for digit in "013456789")


@pytest.mark.parametrize(
    ("first6", "brand"),
    [
        ("424242", "visa"),
        ("555555", "mastercard"),
        ("222100", "mastercard"),
        ("378282", "amex"),
        ("353011", "jcb"),
        ("601111", "discover"),
        ("305693", "diners"),
        ("620000", "unionpay"),
        ("990000", "card"),
    ],
)
def test_brands_follow_from_the_first_digits(first6: str, brand: str) -> None:
    assert brand_of(first6) == brand


def test_the_kept_part_survives_its_encoding() -> None:
    kept = keep(CardNumber("4242 4242 4242 4242"), expiry="12/34", holder="アン")

    assert KeptCard.decode(kept.encode()) == kept
    assert kept.recognised_by == "424242|4242|12/34"


@pytest.mark.parametrize(
    ("expiry", "now"),
    [
        ("11/26", datetime(2026, 11, 30, 23, 59, tzinfo=UTC)),
        ("11/26", datetime(2026, 12, 1, 11, 59, tzinfo=UTC)),
        ("12/26", datetime(2027, 1, 1, 0, 0, tzinfo=UTC)),
        ("11/46", datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
def test_a_card_is_good_until_its_month_has_ended_everywhere(expiry: str, now: datetime) -> None:
    refuse_expired(expiry, now=now)


@pytest.mark.parametrize(
    ("expiry", "now"),
    [
        ("11/26", datetime(2026, 12, 1, 12, 0, tzinfo=UTC)),
        ("10/26", datetime(2026, 11, 2, tzinfo=UTC)),
        ("12/25", datetime(2026, 2, 1, tzinfo=UTC)),
        ("01/47", datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
def test_an_expired_card_is_refused(expiry: str, now: datetime) -> None:
    with pytest.raises(InvalidInput) as refusal:
        refuse_expired(expiry, now=now)

    assert [fault.pointer for fault in refusal.value.fields] == ["/card/expiry"]
