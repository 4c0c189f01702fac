"""Stripe's test numbers (https://docs.stripe.com/testing), and what the fake does with each."""

from collections.abc import Mapping

ASKS_BANK = "4000000000003220"
DECLINES: Mapping[str, tuple[str, str]] = {
    "4000000000000002": ("card_declined", "generic_decline"),
    "4000000000009995": ("card_declined", "insufficient_funds"),
    "4000000000000069": ("expired_card", "expired_card"),
    "4000000000000127": ("incorrect_cvc", "incorrect_cvc"),
}
"""`code` and `decline_code` by number."""
NO_CARDS: Mapping[str, str] = {"4242424242424241": "incorrect_number"}
"""Refused before the intent is looked at."""
