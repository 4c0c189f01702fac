"""What a customer is told when the provider says no."""

from shared.errors import FieldError

_NUMBER, _EXPIRY, _CODE = "/card/number", "/card/expiry", "/card/cvc"
_FAULTS = {
    "card-declined": (_NUMBER, "The card was declined."),
    "insufficient-funds": (_NUMBER, "The card was declined: there are not enough funds."),
    "not-authenticated": (_NUMBER, "The card's bank did not confirm the payment."),
    "card-expired": (_EXPIRY, "The card was declined: it has expired."),
    "wrong-code": (_CODE, "The card was declined: the verification code is wrong."),
}


def declined_fault(reason: str) -> FieldError:
    """The field and the sentence for a provider's reason."""
    pointer, detail = _FAULTS.get(reason, _FAULTS["card-declined"])
    return FieldError(pointer, reason, detail)
