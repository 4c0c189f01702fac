"""An amount as people type it, such as "12.50" or "1200"."""

import re

from babel.numbers import get_currency_precision

from shared.errors import FieldError, InvalidInput

_AMOUNT = re.compile(r"([0-9]{1,12})(?:[.,]([0-9]{1,3}))?", re.ASCII)


def to_minor(text: str, currency: str) -> int:
    """Minor units. A point or a comma stands before the decimals, of which there are not more than the currency has.

    Raises:
        InvalidInput: field `/amount`.
    """
    decimals = get_currency_precision(currency)
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or len(found[2] or "") > decimals:
        raise InvalidInput(fields=[FieldError("/amount", "invalid-amount", "must be an amount of this currency")])
    return int(found[1] + (found[2] or "").ljust(decimals, "0"))
