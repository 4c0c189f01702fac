"""What a customer is told when the provider says no."""

from shared.errors import FieldError

_DETAILS = {
    "card-declined": "The card was declined.",
    "insufficient-funds": "The card was declined: there are not enough funds.",
}


def declined_fault(reason: str) -> FieldError:
    """The field and the sentence for a provider's reason."""
    return FieldError("/card/number", reason, _DETAILS.get(reason, _DETAILS["card-declined"]))
