"""What looks like the number of a payment card. Such a number must not stand in any other field, in clear or sealed."""

import base64
import html
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote

SHORTEST, LONGEST = 13, 19
# Digits with nothing between them, or signs that are neither letters nor digits: "4242 4242", "4242_4242",
# "4242 - 4242". Letters part digits: the hexadecimal digits of a random id are no card number.
RUN = re.compile(rf"\d(?:[\W_]*\d){{{SHORTEST - 1},}}")
_ESCAPE = re.compile(r"\\(?:u|x|U0000)([0-9a-fA-F]{4}|[0-9a-fA-F]{2})")
_TOKEN = re.compile(r"[0-9A-Za-z+/_-]{18,}")  # 13 digits are 18 signs of base64, 26 of hexadecimal
_STANDARD = str.maketrans("-_", "+/")

_BRANDS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("visa", (("4", "4"),)),
    ("mastercard", (("51", "55"), ("2221", "2720"))),
    ("amex", (("34", "34"), ("37", "37"))),
    ("jcb", (("3528", "3589"),)),
    ("discover", (("6011", "6011"), ("644", "649"), ("65", "65"))),
    ("diners", (("300", "305"), ("36", "36"), ("38", "39"))),
    ("unionpay", (("62", "62"),)),
)
NO_BRAND = "card"


def holds_card_number(text: str) -> bool:
    """Whether some 13 to 19 digits in a row begin as a known scheme's numbers do and pass the check digit.

    Whatever script the digits are of, whatever spaces, dashes or other signs stand between them, and where they are
    written as escapes of URLs, JSON or HTML, in hexadecimal, or in base64.
    """
    plain = unicodedata.normalize("NFKC", text)
    return any(_holds_number(digits_of(run.group())) for read in _readings(plain) for run in RUN.finditer(read))


def may_hold_card_number(text: str) -> bool:
    """Whether 13 digits stand in a row, of whatever check digit: a mistyped card number is still nearly one."""
    return RUN.search(unicodedata.normalize("NFKC", text)) is not None


def digits_of(text: str) -> str:
    """The decimal digits in a text, of any script, as ASCII."""
    return "".join(str(unicodedata.decimal(char)) for char in text if char.isdecimal())


def has_check_digit(digits: str) -> bool:
    """Whether ASCII digits pass the Luhn check (ISO/IEC 7812-1, annex B)."""
    doubled = (divmod(2 * int(digit), 10) for digit in digits[-2::-2])
    return not (sum(map(int, digits[-1::-2])) + sum(tens + ones for tens, ones in doubled)) % 10


def is_card_number(digits: str) -> bool:
    """Whether ASCII digits are as many as a card's, begin as a known scheme's do, and pass the check digit."""
    return SHORTEST <= len(digits) <= LONGEST and brand_of(digits[:6]) != NO_BRAND and has_check_digit(digits)


def brand_of(first6: str) -> str:
    """The card scheme, by the issuer's part of the number (ISO/IEC 7812); "card" where it is none of these."""
    for brand, ranges in _BRANDS:
        for lowest, highest in ranges:
            if lowest <= first6[: len(lowest)] <= highest:
                return brand
    return NO_BRAND


def _readings(text: str) -> Iterator[str]:
    """The text, and what it says where it is encoded."""
    yield text
    if "%" in text:
        yield unquote(text)
    if "&#" in text:
        yield html.unescape(text)
    if "\\" in text:
        yield _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    for token in _TOKEN.findall(text):
        yield from _decoded(token)


def _decoded(token: str) -> Iterator[str]:
    """What a run of signs is in hexadecimal or base64, where that is text."""
    with suppress(ValueError):
        yield bytes.fromhex(token).decode("ascii")
    with suppress(ValueError):
        yield base64.b64decode(token.translate(_STANDARD) + "=" * (-len(token) % 4)).decode("ascii")


def _holds_number(digits: str) -> bool:
    return any(
        is_card_number(digits[start : start + length])
        for length in range(SHORTEST, min(LONGEST, len(digits)) + 1)
        for start in range(len(digits) - length + 1)
    )
