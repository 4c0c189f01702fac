"""Card numbers are seen wherever they stand, and other digits are left in peace."""

import base64
import secrets

import pytest
from stdnum import luhn

from shared.addresses import clean_name, parse_email
from shared.cardlike import has_check_digit, holds_card_number, may_hold_card_number
from shared.errors import InvalidInput


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424242",
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "4242.4242.4242.4242",
        "4242 – 4242 – 4242 – 4242",
        "Ann 4242424242424242 Example",
        "\uff14\uff12" * 8,
        "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
        "99424242424242424277",
        "3782 822463 10005",
        "5555_5555_5555_4444",
        "5555    5555    5555    4444",
        "5555....5555 5555 4444",
        "5555     5555     5555     4444",
        "5555------5555------5555------4444",
        "5\u0301\u0301\u0301\u0301\u0301" * 12 + "4444",
    ],
)
def test_card_digits_are_seen_in_any_spelling(text: str) -> None:
    assert holds_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ann",
        "1-2-3 Jingumae",
        "150-0001",
        "+81 3 1234 5678",
        "1" * 16,
        "424242424242",
        "a4b2" * 9,
        "1763800000123",
        "1763800000123456",
    ],
)
def test_other_text_is_not_taken_for_a_card(text: str) -> None:
    assert not holds_card_number(text)


@pytest.mark.parametrize("text", ["4242424242424241", "Ann 4242 4242 4242 4242", "1" * 13, "\uff14\uff12" * 8])
def test_thirteen_digits_in_a_row_may_be_a_card_number(text: str) -> None:
    assert may_hold_card_number(text)


@pytest.mark.parametrize("text", ["", "1-2-3 Jingumae 150-0001", "1" * 12, "a4b2" * 9])
def test_fewer_are_none(text: str) -> None:
    assert not may_hold_card_number(text)


def test_the_check_digit_is_luhns() -> None:
    for _ in range(500):
        digits = str(secrets.randbelow(10**16)).rjust(16, "0")
        assert has_check_digit(digits) == luhn.is_valid(digits)


def test_hexadecimal_ids_are_hardly_ever_taken_for_a_card() -> None:
    taken = sum(holds_card_number(secrets.token_hex(16)) for _ in range(2000))

    assert taken < 20


def test_no_name_and_no_address_takes_a_card_number() -> None:
    with pytest.raises(InvalidInput) as name:
        clean_name("Ann 5555 5555 5555 4444")
    with pytest.raises(InvalidInput) as email:
        parse_email("5555_5555_5555_4444@example.org")

    assert [refused.value.fields[0].code for refused in (name, email)] == ["looks-like-card-number"] * 2
    assert "5555" not in str(name.value) + str(email.value)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"%{ord(digit):02X}" for digit in "4242424242424242"),
        "".join(f"\\u{ord(digit):04x}" for digit in "4242424242424242"),
        "".join(f"\\x{ord(digit):02x}" for digit in "4242424242424242"),
        "".join(f"&#{ord(digit)};" for digit in "4242424242424242"),
        "".join(f"&#x{ord(digit):x};" for digit in "4242424242424242"),
        "Mr " + base64.b64encode(b"4242424242424242").decode() + " Smith",
        base64.urlsafe_b64encode(b"4242 4242 4242 4242").rstrip(b"=").decode(),
        b"4242424242424242".hex(),
        b"4242-4242-4242-4242".hex().upper(),
    ],
)
def test_encoded_numbers_are_seen(text: str) -> None:
    assert holds_card_number(text)


def test_what_random_tokens_say_in_base64_is_no_number() -> None:
    letters = str.maketrans("0123456789", "ghijklmnop")  # their own digits may look like one: that is another matter
    tokens = [secrets.token_urlsafe(32).translate(letters) for _ in range(2_000)]

    assert not any(holds_card_number(token) for token in tokens)
