"""What a PaymentIntent says of a charge. Only closed lists of words are taken from Stripe, no free text.

https://docs.stripe.com/payments/paymentintents/lifecycle. Amounts are in the currency's minor units there as here; yen
have none on either side (https://docs.stripe.com/currencies#zero-decimal).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services.orders.payments.provider import Charge, Outcome
from shared.errors import TransientError

ORDER_ID = "order_id"
REFUND_ID = "refund_id"
"""Names in `metadata`."""

_REASONS: Mapping[str, str] = {
    "insufficient_funds": "insufficient-funds",
    "expired_card": "card-expired",
    "invalid_expiry_month": "card-expired",
    "invalid_expiry_year": "card-expired",
    "incorrect_cvc": "wrong-code",
    "invalid_cvc": "wrong-code",
    "payment_intent_authentication_failure": "not-authenticated",
    "authentication_required": "not-authenticated",
}


def charge_of(intent: Mapping[str, Any]) -> Charge | None:
    """The charge that an intent is; `None` while nobody has tried to pay by it.

    Raises:
        TransientError: Stripe does not know yet.
    """
    outcome = _outcome_of(intent)
    if outcome is None:
        return None
    is_paid = outcome is Outcome.PAID
    return Charge(
        order_id=str(intent["metadata"].get(ORDER_ID, "")),
        amount_minor=intent["amount_received"] if is_paid else intent["amount"],
        currency=str(intent["currency"]).upper(),
        outcome=outcome,
        reason=reason_of(intent["last_payment_error"] or {}) if outcome is Outcome.DECLINED else "",
        charged_at=datetime.fromtimestamp(intent["created"], UTC),
        action_url=_action_url(intent) if outcome is Outcome.NEEDS_ACTION else "",
        refunded_minor=_refunded(intent),
        capture=intent["capture_method"] != "manual",
        reference=str(intent["id"]),
    )


def reason_of(error: Mapping[str, Any]) -> str:
    """Our word for why a card was declined."""
    codes = (str(error.get("decline_code")), str(error.get("code")))
    return next((_REASONS[code] for code in codes if code in _REASONS), "card-declined")


def _outcome_of(intent: Mapping[str, Any]) -> Outcome | None:
    match intent["status"]:
        case "succeeded":
            return Outcome.PAID
        case "requires_capture":
            return Outcome.AUTHORISED
        case "requires_action":
            return Outcome.NEEDS_ACTION
        case "canceled":
            return Outcome.VOIDED
        case "requires_payment_method" | "requires_confirmation":
            # We confirm an intent once: what has failed stays declined, though Stripe would take another card.
            return Outcome.DECLINED if intent["last_payment_error"] else None
        case _:
            raise TransientError("stripe: the payment is still being processed")


def _action_url(intent: Mapping[str, Any]) -> str:
    action = intent["next_action"] or {}
    return str((action.get("redirect_to_url") or {}).get("url") or "")


def _refunded(intent: Mapping[str, Any]) -> int:
    charge = intent["latest_charge"]
    return int(charge["amount_refunded"]) if isinstance(charge, Mapping) else 0
