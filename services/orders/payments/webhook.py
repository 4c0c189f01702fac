"""A provider's webhook: a signed hint that something has happened to a charge, and never more than a hint.

It may come late, twice, in any order, or about orders that we do not have. So it is not read for what has happened,
only for which order or refund: the provider is asked then. Where it never comes, the sweep asks about orders; that a
bank has sent a refund back weeks later, reconciliation alone tells then.
"""

import hashlib
import hmac
from datetime import datetime
from typing import Any

import orjson

from services.orders.deps import Deps
from services.orders.life.ask import settle
from services.orders.life.finish import take_back_refund
from services.orders.life.steps import OPEN
from shared.errors import DomainError, ErrorKind, FieldError
from shared.http.intake import MalformedBody, read_body
from shared.http.routes import Answer, Call

PATH = "/api/orders/payments/webhook"
SIGNATURE = "Stripe-Signature"
TOLERANCE_S = 300
"""How far the signature's time may be from ours; each new attempt at delivery is signed anew."""
_LONGEST_ID, _LONGEST_HEADER = 64, 2_000


class BadSignature(DomainError):
    """The webhook is not signed by the payment provider, or too long ago."""

    kind = ErrorKind.MALFORMED
    code = "bad-signature"

    def __init__(self) -> None:
        super().__init__(fields=[FieldError(SIGNATURE, self.code, "is not the provider's, or too old")])


async def receive(deps: Deps, call: Call[None, None]) -> Answer:
    """Ask the provider about the order, if it is one of ours that has not ended; or about the refund.

    Raises:
        BadSignature, MalformedBody, BodyTooLarge: not read any further.
        TransientError: the provider or the database is away; the webhook will come again.
    """
    body = await read_body(call.request)
    secret = deps.settings.stripe_webhook_secret.get_secret_value()
    verify(body, ",".join(call.headers(SIGNATURE)), secret=secret, now=deps.clock())
    told = object_of(body)
    order_id = order_id_of(told)
    order = await deps.orders.find(order_id) if order_id else None
    if order is not None and order.status in OPEN:
        await settle(deps, order)
    if (named := refund_of(told)) is not None:
        await _look_after_refund(deps, *named)
    return Answer(204)


async def _look_after_refund(deps: Deps, reference: str, refund_id: str) -> None:
    order_id = await deps.provider.sent_back(reference, refund_id)
    order = await deps.orders.find(order_id) if order_id else None
    if order is not None:
        await take_back_refund(deps, order, refund_id)


def verify(body: bytes, header: str, *, secret: str, now: datetime) -> None:
    """Let a body pass that was signed within `TOLERANCE_S`: https://docs.stripe.com/webhooks#verify-manually.

    Not by Stripe's library, which goes by the system's clock and does not notice a time to come.

    Raises:
        BadSignature: whatever is wrong with it; without a secret nothing passes.
    """
    if not secret or len(header) > _LONGEST_HEADER:
        raise BadSignature
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t" and value.isascii() and value.isdigit()]
    if len(times) != 1 or abs(int(now.timestamp()) - int(times[0])) > TOLERANCE_S:
        raise BadSignature
    expected = hmac.new(secret.encode(), f"{times[0]}.".encode() + body, hashlib.sha256).hexdigest()
    given = [value for name, _, value in parts if name == "v1"]
    # More than one while the secret is being changed.
    if not any(hmac.compare_digest(value.encode(), expected.encode()) for value in given):
        raise BadSignature


def order_id_of(told: Any) -> str:
    """Which order an event's object is about, by its metadata; "" where it is about none."""
    return _word(told, "metadata", "order_id")


def refund_of(told: Any) -> tuple[str, str] | None:
    """The provider's name for the charge, and our id of the refund, that it is about; None where it is no refund."""
    reference, refund_id = _word(told, "payment_intent"), _word(told, "metadata", "refund_id")
    is_refund = _word(told, "object") == "refund" and reference and refund_id
    return (reference, refund_id) if is_refund else None


def object_of(body: bytes) -> Any:
    """What an event is about, as the provider has sent it.

    Raises:
        MalformedBody: no JSON object.
    """
    try:
        event = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MalformedBody("The body is not JSON.") from None
    if not isinstance(event, dict):
        raise MalformedBody("The body is no event.")
    return _within(event, "data", "object")


def _word(value: Any, *names: str) -> str:
    found = _within(value, *names)
    return found if isinstance(found, str) and len(found) <= _LONGEST_ID and found.isprintable() else ""


def _within(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
