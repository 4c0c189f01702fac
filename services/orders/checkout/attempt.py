"""How a repeated checkout is recognised: `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07).

A key is scoped to who asks and to the route. Guests cannot be told apart, so all of them share one scope; but a key
that met another body is refused, so that nobody is ever answered with what somebody else bought.
"""

import hashlib
import re

import orjson

from services.orders.checkout.card import KeptCard
from services.orders.checkout.keyforms import poses_as_card_number
from services.orders.checkout.requests import CheckoutRequest
from services.orders.life.domain import Attempt, Order
from shared.errors import DomainError, ErrorKind, FieldError, TransientError
from shared.personal import BlindIndex

HEADER = "Idempotency-Key"
_ROUTE = "POST /api/orders"
_BARE = re.compile(r"[\x21\x23-\x7e][\x21-\x7e]*")
_QUOTED = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')  # RFC 9651 section 3.3.3


class BadIdempotencyKey(DomainError):
    """The request needs one Idempotency-Key of 1 to 255 printable characters."""

    kind = ErrorKind.MALFORMED
    code = "idempotency-key-required"

    def __init__(self) -> None:
        super().__init__(fields=[FieldError(HEADER, self.code, "must come once, with 1 to 255 printable characters")])


class CardNumberInKey(BadIdempotencyKey):
    """This Idempotency-Key looks as if a card number stood in it: take another, such as a random UUID."""

    code = "idempotency-key-holds-card-number"

    def __init__(self) -> None:
        detail = "looks as if it held a card number; take another, such as a random UUID"
        DomainError.__init__(self, fields=[FieldError(HEADER, self.code, detail)])


class KeyUsedOtherwise(DomainError):
    """This Idempotency-Key came with another body before: take a new key for a new purchase."""

    kind = ErrorKind.INVALID
    code = "idempotency-key-reused"

    def __init__(self) -> None:
        super().__init__(fields=[FieldError(HEADER, self.code, "was used with another body before")])


class StillInFlight(DomainError):
    """The same request is still being worked on: ask again with the same key."""

    kind = ErrorKind.CONFLICT
    code = "request-in-flight"

    def __init__(self) -> None:
        super().__init__(retry_after_s=2)


class OutcomeUnknown(TransientError):
    """Nobody knows yet whether the card was charged; the sweep will find out."""

    code = "payment-outcome-unknown"
    advice = "The payment's outcome is not known yet. Ask again with the same key: you are not charged twice."

    def __init__(self, order: Order) -> None:
        super().__init__("payment outcome unknown", retry_after_s=10)
        self.order = order


class NotCharged(TransientError):
    """The attempt ended without a charge, and none can come of it: the same key starts anew."""

    code = "payment-not-completed"
    advice = "The payment was not completed, and nothing was charged. You may ask again with the same key."

    def __init__(self) -> None:
        super().__init__("payment not completed", retry_after_s=1)


def read_key(*headers: str) -> str:
    """The key itself, from its quoted or bare form.

    Raises:
        BadIdempotencyKey: missing, sent twice, malformed or too long.
        CardNumberInKey: a card number stands in it, of which no hash may be kept.
    """
    if len(headers) != 1:
        raise BadIdempotencyKey
    text = headers[0].strip()
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if not 1 <= len(key) <= 255 or not (quoted or _BARE.fullmatch(text)):
        raise BadIdempotencyKey
    if poses_as_card_number(key):
        raise CardNumberInKey
    return key


def attempt_of(index: BlindIndex, request: CheckoutRequest, *, key: str, account_id: str, card: KeptCard) -> Attempt:
    """The keyed hashes that recognise this attempt again."""
    asker = f"account {account_id}" if account_id else "guest"
    return Attempt(
        key=index.of("attempt", f"{_ROUTE}\n{asker}\n{key}"),
        body=index.of("body", hashlib.sha256(_canonical(request, card)).hexdigest()),
    )


def _canonical(request: CheckoutRequest, card: KeptCard) -> bytes:
    """The body in one spelling, with the card's kept parts in the card's place; the code is left out altogether."""
    contact, shipping = request.contact, request.shipping
    return orjson.dumps([
        [[line.sku, line.quantity] for line in request.lines],
        request.currency,
        [contact.name, contact.email],
        [shipping.line1, shipping.line2, shipping.city, shipping.region, shipping.postcode, shipping.country],
        [card.first6, card.last4, card.expiry, card.holder],
        request.newsletter,
        request.language,
        request.quote,
    ])  # fmt: skip
