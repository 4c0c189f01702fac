"""Which idempotency keys hold a card number, of which not even a hash may be kept."""

import re

from shared.cardlike import LONGEST, SHORTEST, holds_card_number, is_card_number

_DAY = r"20[0-4]\d-?(?:0[1-9]|1[0-2])-?(?:[0-2]\d|3[01])"
_CLOCK = r"(?:[01]\d|2[0-3]):?[0-5]\d:?[0-5]\d(?:[.,]?\d{1,9})?(?:[+-]\d\d:?\d\d)?"
_MADE_BY_MACHINES = re.compile(
    # RFC 9562: the version and the variant are checked, so that digits in groups are not taken for one.
    r"(?<![^\W_])[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?![^\W_])"
    # 12 bytes or more in hexadecimal. Of digits alone it could be a number, or a number's own digits in hexadecimal.
    r"|(?<![^\W_])(?=[0-9]*[a-f])[0-9a-f]{24,}(?![^\W_])"
    # Seconds since 1970, from 2023 to 2039, and their fractions: no scheme's numbers begin with 1, nor with 20 or 21.
    r"|(?<!\d)(?:1[7-9]|2[01])\d{8}(?:\.\d{1,9}|\d{3}|\d{6}|\d{9})?(?!\d)"
    # A date and a time of day (ISO 8601), of this century's first half, with or without signs between.
    rf"|(?<!\d){_DAY}[T_ -]?{_CLOCK}(?!\d)",
    re.ASCII | re.IGNORECASE,
)
_NUMERAL = re.compile(rf"(?<![\d%])\d{{{SHORTEST},{LONGEST}}}(?!\d)", re.ASCII)


def poses_as_card_number(key: str) -> bool:
    """Whether a card number stands in a key: as a numeral of its own, in groups, or encoded.

    UUIDs, random bytes in hexadecimal and times are none by their form, whatever digits they have. A numeral of 13
    to 19 digits, such as an id, is looked at as a whole: three in a hundred are refused by chance.
    """
    others = _MADE_BY_MACHINES.sub("x", key)
    return holds_card_number(_NUMERAL.sub(lambda found: found[0] if is_card_number(found[0]) else "x", others))
