"""Quotes over HTTP."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from pydantic import AwareDatetime, Field

from services.orders.checkout.pricing import Destination
from services.orders.checkout.requests import MAX_LINES, Currency, Language, LineRequest
from services.orders.deps import Deps
from services.orders.life.view import LineView, TaxView, line_view, tax_view
from services.orders.persons import Country
from services.orders.quotes.domain import GivenQuote, QuoteExpired
from services.orders.quotes.usecases import get_quote, give_quote
from services.orders.stock.store import SoldOut
from shared.errors import InvalidInput
from shared.http.preferences import read_preferences
from shared.http.routes import Answer, Call, RequestModel, ResponseModel, Route

PATH = "/api/orders/quotes"


class QuoteDestination(RequestModel):
    """Where the parcel would go."""

    country: Country


class QuoteRequest(RequestModel):
    """What would be bought. Nothing about a person."""

    lines: Annotated[tuple[LineRequest, ...], Field(min_length=1, max_length=MAX_LINES)]
    currency: Currency
    shipping: QuoteDestination
    language: Language | None = None


class QuoteView(ResponseModel):
    """Prices that hold until `expires_at`, for whoever cites `id` at the checkout. Money in minor units."""

    id: str
    currency: str
    country: str
    lines: tuple[LineView, ...]
    shipping_minor: int
    tax: TaxView
    total_minor: int
    expires_at: AwareDatetime


def routes(deps: Deps) -> Sequence[Route]:
    """The quotes' part of the contract."""
    return [
        Route("POST", PATH, partial(_give, deps), "What it would cost, and a price that holds for a while",
              body=QuoteRequest, answers={201: QuoteView}, problems=[InvalidInput, SoldOut]),
        Route("GET", f"{PATH}/{{id}}", partial(_show, deps), "A quote that still holds", answers={200: QuoteView},
              problems=[QuoteExpired]),
    ]  # fmt: skip


async def _give(deps: Deps, call: Call[QuoteRequest, None]) -> Answer:
    asked = call.body
    language = asked.language or read_preferences(call.request, deps.settings).language
    given = await give_quote(deps, asked.lines, Destination(asked.shipping.country, asked.currency, language))
    return Answer(201, _view(given), headers={"Location": f"{PATH}/{given.id}"})


async def _show(deps: Deps, call: Call[None, None]) -> Answer:
    return Answer(200, _view(await get_quote(deps, call.path("id"))))


def _view(given: GivenQuote) -> QuoteView:
    quote = given.quote
    return QuoteView(
        id=given.id,
        currency=quote.currency,
        country=quote.country,
        lines=tuple(line_view(line) for line in quote.lines),
        shipping_minor=quote.shipping_minor,
        tax=tax_view(quote.tax),
        total_minor=quote.total_minor,
        expires_at=given.expires_at,
    )
