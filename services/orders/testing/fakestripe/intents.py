"""The life of a PaymentIntent, as Stripe has it: https://docs.stripe.com/payments/paymentintents/lifecycle."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from services.orders.testing.fakestripe.cards import ASKS_BANK, DECLINES, NO_CARDS
from services.orders.testing.fakestripe.forms import ApiError, invalid

CONFIRMABLE = ("requires_payment_method", "requires_confirmation")
CANCELLABLE = (*CONFIRMABLE, "requires_action", "requires_capture")
Object = dict[str, Any]
Announce = Callable[[str, Object], None]


@dataclass
class Intents:
    """Every intent and refund, newest last; `announce` is told what a webhook would tell."""

    announce: Announce
    now: Callable[[], int]
    bank_url: str = ""
    intents: dict[str, Object] = field(default_factory=dict)
    refunds: dict[str, Object] = field(default_factory=dict)

    def create(self, params: Object) -> Object:
        """`POST /v1/payment_intents`, unconfirmed."""
        amount = int(params["amount"])
        if amount < 50:
            raise invalid("amount_too_small", param="amount")
        number = len(self.intents) + 1
        intent: Object = {
            "id": f"pi_{number:06}", "object": "payment_intent", "amount": amount, "amount_capturable": 0,
            "amount_received": 0, "capture_method": params.get("capture_method", "automatic"),
            "currency": params["currency"], "created": self.now(), "metadata": params.get("metadata", {}),
            "status": "requires_payment_method", "last_payment_error": None, "next_action": None,
            "latest_charge": None, "livemode": False, "return_url": None,
        }  # fmt: skip
        self.intents[intent["id"]] = intent
        self.announce("payment_intent.created", intent)
        return intent

    def find(self, intent_id: str) -> Object:
        """One intent."""
        if intent_id not in self.intents:
            raise ApiError(404, "invalid_request_error", "resource_missing", param="intent")
        return self.intents[intent_id]

    def confirm(self, intent_id: str, params: Object) -> Object:
        """`POST /v1/payment_intents/{id}/confirm` with a raw card."""
        intent = self._standing(intent_id, CONFIRMABLE)
        number = params["payment_method_data"]["card"]["number"]
        if number in NO_CARDS:
            raise ApiError(402, "card_error", NO_CARDS[number])
        intent["return_url"] = params.get("return_url")
        if number in DECLINES:
            self._fail(intent, *DECLINES[number])
            raise ApiError(402, "card_error", **intent["last_payment_error"] | {"payment_intent": intent})
        if number == ASKS_BANK:
            intent["status"] = "requires_action"
            url = f"{self.bank_url}/{intent_id}"
            intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": {"url": url}}
            self.announce("payment_intent.requires_action", intent)
            return intent
        return self._authorise(intent)

    def act(self, intent_id: str, *, approved: bool) -> Object:
        """What the buyer does at the bank; only the first answer counts."""
        intent = self.find(intent_id)
        if intent["status"] != "requires_action":
            return intent
        intent["next_action"] = None
        if approved:
            return self._authorise(intent)
        self._fail(intent, "payment_intent_authentication_failure", "")
        return intent

    def capture(self, intent_id: str) -> Object:
        """`POST /v1/payment_intents/{id}/capture`."""
        return self._take(self._standing(intent_id, ("requires_capture",)))

    def cancel(self, intent_id: str) -> Object:
        """`POST /v1/payment_intents/{id}/cancel`."""
        intent = self._standing(intent_id, CANCELLABLE)
        intent |= {"status": "canceled", "next_action": None, "amount_capturable": 0}
        self.announce("payment_intent.canceled", intent)
        return intent

    def refund(self, params: Object) -> Object:
        """`POST /v1/refunds`."""
        intent, amount = self.find(params["payment_intent"]), int(params["amount"])
        charge = intent["latest_charge"]
        if intent["status"] != "succeeded" or charge is None:
            raise invalid("payment_intent_unexpected_state", param="payment_intent")
        if charge["amount_refunded"] == charge["amount"]:
            raise invalid("charge_already_refunded")
        if not 0 < amount <= charge["amount"] - charge["amount_refunded"]:
            raise invalid("", param="amount")
        refund: Object = {
            "id": f"re_{len(self.refunds) + 1:06}", "object": "refund", "amount": amount, "created": self.now(),
            "payment_intent": intent["id"], "metadata": params.get("metadata", {}), "status": "succeeded",
        }  # fmt: skip
        self.refunds[refund["id"]] = refund
        charge["amount_refunded"] += amount
        self.announce("charge.refunded", charge)
        return refund

    def send_back(self, refund_id: str) -> None:
        """The bank does not take a refund, weeks later perhaps."""
        refund = self.refunds[refund_id]
        refund["status"] = "failed"
        self.intents[refund["payment_intent"]]["latest_charge"]["amount_refunded"] -= refund["amount"]
        self.announce("refund.failed", refund)

    def _standing(self, intent_id: str, statuses: tuple[str, ...]) -> Object:
        intent = self.find(intent_id)
        if intent["status"] not in statuses:
            raise invalid("payment_intent_unexpected_state", payment_intent=intent)
        return intent

    def _authorise(self, intent: Object) -> Object:
        intent["latest_charge"] = {
            "id": intent["id"].replace("pi_", "ch_"), "object": "charge", "amount": intent["amount"],
            "amount_refunded": 0, "payment_intent": intent["id"], "metadata": intent["metadata"],
        }  # fmt: skip
        if intent["capture_method"] != "manual":
            return self._take(intent)
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        self.announce("payment_intent.amount_capturable_updated", intent)
        return intent

    def _take(self, intent: Object) -> Object:
        intent |= {"status": "succeeded", "amount_capturable": 0, "amount_received": intent["amount"]}
        self.announce("payment_intent.succeeded", intent)
        return intent

    def _fail(self, intent: Object, code: str, decline_code: str) -> None:
        error = {"code": code} | ({"decline_code": decline_code} if decline_code else {})
        intent |= {"status": "requires_payment_method", "last_payment_error": error}
        self.announce("payment_intent.payment_failed", intent)
