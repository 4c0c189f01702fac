"""Stripe's PaymentIntents as a `Provider`. An intent is made, written down, then confirmed; decision 8 says why."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.orders.payments.provider import Card, Charge, ChargeRequest, Outcome, RefundRefused
from services.orders.payments.stripe.book import VOIDED, Book
from services.orders.payments.stripe.client import Declined, Refused, StripeApi
from services.orders.payments.stripe.reading import ORDER_ID, REFUND_ID, charge_of, reason_of
from shared.clock import Clock
from shared.errors import TransientError

_PAGE = 100
_ENDED = frozenset({Outcome.PAID, Outcome.DECLINED, Outcome.VOIDED})
_NEVER_PAID = frozenset({"failed", "canceled"})


class StripeProvider:
    """`Provider` at Stripe."""

    def __init__(self, api: StripeApi, book: Book, *, clock: Clock) -> None:
        self._api = api
        self._book = book
        self._clock = clock

    async def charge(self, wanted: ChargeRequest, *, card: Card) -> Charge:
        """See `Provider.charge`."""
        entry = await self._book.enter(wanted.order_id, await self._make(wanted))
        if entry.intent_id == VOIDED:
            return self._voided(wanted.order_id)
        if not entry.is_new and (earlier := charge_of(await self._api.retrieve_intent(entry.intent_id))):
            return earlier
        return await self._confirm(wanted, entry.intent_id, card)

    async def lookup(self, order_id: str) -> Charge | None:
        """See `Provider.lookup`."""
        intent_id = await self._book.find(order_id)
        if intent_id is None:
            return None
        if intent_id == VOIDED:
            return self._voided(order_id)
        return charge_of(await self._api.retrieve_intent(intent_id))

    async def void(self, order_id: str) -> Charge:
        """See `Provider.void`."""
        intent_id = (await self._book.enter(order_id, VOIDED)).intent_id
        if intent_id == VOIDED:
            return self._voided(order_id)
        charge = charge_of(await self._api.retrieve_intent(intent_id))
        if charge is not None and charge.outcome in _ENDED:
            return charge
        try:
            return _known(charge_of(await self._api.cancel_intent(intent_id)))
        except Refused:  # it has ended meanwhile, or cannot be ended just now
            return _ended(charge_of(await self._api.retrieve_intent(intent_id)))

    async def capture(self, order_id: str) -> Charge:
        """See `Provider.capture`."""
        intent_id = await self._book.find(order_id)
        if intent_id is None:
            raise TransientError("stripe: no such charge yet")
        if intent_id == VOIDED:
            return self._voided(order_id)
        try:
            return _known(charge_of(await self._api.capture_intent(intent_id)))
        except Refused:
            charge = _known(charge_of(await self._api.retrieve_intent(intent_id)))
            if charge.outcome is Outcome.AUTHORISED:
                raise TransientError("stripe: not captured") from None
            return charge

    async def refund(self, order_id: str, refund_id: str, *, amount_minor: int) -> None:
        """See `Provider.refund`."""
        intent_id = await self._book.find(order_id)
        if not intent_id:
            raise RefundRefused("no-such-charge")
        # Stripe forgets idempotency keys after a day; what was refunded before that stands in its list.
        if earlier := await self._find_refund(intent_id, refund_id):
            return _refuse_other(earlier, amount_minor)
        params = {"payment_intent": intent_id, "amount": amount_minor, "metadata": {REFUND_ID: refund_id}}
        try:
            made = await self._api.create_refund(params, key=f"{order_id}:{refund_id}")
        except Refused as refused:
            raise RefundRefused(_word(refused.code)) from None
        return _refuse_other(made, amount_minor)

    async def sent_back(self, reference: str, refund_id: str) -> str:
        """See `Provider.sent_back`: Stripe pays some refunds later, and banks may send them back for weeks."""
        order_id = str((await self._api.retrieve_intent(reference))["metadata"].get(ORDER_ID, ""))
        if not order_id or await self._book.find(order_id) != reference:
            return ""
        refund = await self._find_refund(reference, refund_id)
        return order_id if refund is not None and refund["status"] in _NEVER_PAID else ""

    async def charges(self, *, since: datetime | None = None) -> AsyncIterator[Charge]:
        """See `Provider.charges`; what nobody has tried to pay by is left out."""
        params: dict[str, Any] = {"limit": _PAGE, "expand": ["data.latest_charge"]}
        if since is not None:
            params["created"] = {"gte": int(since.timestamp())}
        while True:
            page = await self._api.list_intents(params)
            listed = [charge for intent in page["data"] if (charge := _listed(intent))]
            ours = await self._book.find_all({charge.order_id for charge in listed})
            for charge in listed:
                # An intent that is not in the book was made elsewhere, whatever order it names.
                is_ours = ours.get(charge.order_id) == charge.reference
                yield charge if is_ours else replace(charge, order_id="")
            if not page["has_more"]:
                return
            params["starting_after"] = page["data"][-1]["id"]

    async def _make(self, wanted: ChargeRequest) -> str:
        params = {
            "amount": wanted.amount_minor,
            "currency": wanted.currency.lower(),
            "capture_method": "automatic" if wanted.capture else "manual",
            "payment_method_types": ["card"],
            "metadata": {ORDER_ID: wanted.order_id},
        }
        try:
            return str((await self._api.create_intent(params, key=wanted.order_id))["id"])
        except Refused as refused:
            raise TransientError(f"stripe: no intent, {_word(refused.code)}") from None

    async def _confirm(self, wanted: ChargeRequest, intent_id: str, card: Card) -> Charge:
        key = f"{wanted.order_id}:confirm"
        try:
            intent = await self._api.confirm_intent(intent_id, _payment(wanted, card), key=key)
        except Declined as declined:
            return self._declined(wanted, declined.error)
        except Refused:  # it was voided meanwhile, or confirmed before
            intent = await self._api.retrieve_intent(intent_id)
        return _known(charge_of(intent))

    async def _find_refund(self, intent_id: str, refund_id: str) -> Mapping[str, Any] | None:
        params: dict[str, Any] = {"payment_intent": intent_id, "limit": _PAGE}
        while True:
            page = await self._api.list_refunds(params)
            for refund in page["data"]:
                if refund["metadata"].get(REFUND_ID) == refund_id:
                    return dict(refund)
            if not page["has_more"]:
                return None
            params["starting_after"] = page["data"][-1]["id"]

    def _declined(self, wanted: ChargeRequest, error: Mapping[str, Any]) -> Charge:
        charge = charge_of(error["payment_intent"]) if error.get("payment_intent") else None
        if charge is not None:
            return charge
        declined = Outcome.DECLINED  # before Stripe looked at the intent: the number or the date cannot be a card's
        return Charge(wanted.order_id, wanted.amount_minor, wanted.currency, declined, reason_of(error), self._clock())

    def _voided(self, order_id: str) -> Charge:
        return Charge(order_id, 0, "", Outcome.VOIDED, "", self._clock())


def _payment(wanted: ChargeRequest, card: Card) -> dict[str, Any]:
    month, year = card.expiry.split("/")
    number = {
        "number": card.number.reveal(),
        "exp_month": int(month),
        "exp_year": 2000 + int(year),
        "cvc": card.code.reveal(),
    }
    method = {"type": "card", "card": number, "billing_details": {"name": card.holder}}
    return {"payment_method_data": method, "return_url": wanted.return_url, "expand": ["latest_charge"]}


def _listed(intent: Mapping[str, Any]) -> Charge | None:
    try:
        return charge_of(intent)
    except TransientError:  # it is still being processed
        return None


def _known(charge: Charge | None) -> Charge:
    if charge is None:
        raise TransientError("stripe: the payment has not begun")
    return charge


def _ended(charge: Charge | None) -> Charge:
    if charge is None or charge.outcome not in _ENDED:
        raise TransientError("stripe: the payment cannot be ended yet")
    return charge


def _refuse_other(refund: Mapping[str, Any], amount_minor: int) -> None:
    if refund["status"] in _NEVER_PAID:
        raise RefundRefused("refund-failed")
    if refund["amount"] != amount_minor:
        raise RefundRefused("idempotency-key-reused")


def _word(code: str) -> str:
    """Stripe's code in our spelling; what does not look like one is left out."""
    return code.replace("_", "-") if code.replace("_", "").isalnum() and len(code) <= 60 else "refused"
