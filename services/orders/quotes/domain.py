"""A quote that was given, and when a checkout may cite it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.orders.checkout.pricing import Quote
from services.orders.checkout.requests import LineRequest
from shared.errors import DomainError, ErrorKind, FieldError

FIELD = "/quote"


class QuoteExpired(DomainError):
    """There is no such quote, or its time is over: ask for a new one, and show it."""

    kind = ErrorKind.CONFLICT
    code = "quote-expired"

    def __init__(self) -> None:
        super().__init__(fields=[FieldError(FIELD, self.code, "is unknown or over: ask for a new one")])


class QuoteMismatch(DomainError):
    """The quote is for other products, another currency or another country."""

    kind = ErrorKind.INVALID
    code = "quote-mismatch"

    def __init__(self, what: str) -> None:
        super().__init__(fields=[FieldError(FIELD, self.code, f"is for other {what} than this purchase")])


@dataclass(frozen=True, slots=True)
class GivenQuote:
    """A quote under its id, good before `expires_at`."""

    id: str
    quote: Quote
    expires_at: datetime

    def for_purchase(self, lines: Sequence[LineRequest], *, currency: str, country: str, now: datetime) -> Quote:
        """The prices that were shown, for exactly what they were shown for.

        Raises:
            QuoteExpired, QuoteMismatch: they do not hold for this.
        """
        if now >= self.expires_at:
            raise QuoteExpired
        if sorted((line.sku, line.quantity) for line in self.quote.lines) != sorted(
            (line.sku, line.quantity) for line in lines
        ):
            raise QuoteMismatch("products")
        if currency != self.quote.currency:
            raise QuoteMismatch("money")
        if country != self.quote.country:
            raise QuoteMismatch("countries")
        return self.quote
