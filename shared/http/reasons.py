"""Why a member of the staff looks at a person's data: given with the request, read by the person."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from shared.cardlike import holds_card_number
from shared.secrets import hidden_error

SHORTEST = 10
LONGEST = 500


def _reason(text: str) -> str:
    reason = unicodedata.normalize("NFC", text[: 4 * LONGEST]).strip()
    if not SHORTEST <= len(reason) <= LONGEST:
        raise hidden_error("invalid-reason", f"must have {SHORTEST} to {LONGEST} characters")
    if any(unicodedata.category(char)[0] == "C" or char in "\u2028\u2029" for char in reason):
        raise hidden_error("invalid-reason", "must not contain control characters")
    if holds_card_number(reason):
        raise hidden_error("looks-like-card-number", "looks like a card number, which belongs into no other field")
    return reason


Reason = Annotated[
    str,
    AfterValidator(_reason),
    WithJsonSchema({"type": "string", "minLength": SHORTEST, "maxLength": LONGEST}),
]
"""One line of 10 to 500 characters. A refusal never repeats what was sent."""
