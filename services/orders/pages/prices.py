"""What a cart costs, as the cart and the checkout show it: each line, shipping and the total for one country."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.orders.catalogue.domain import Offer
from services.orders.checkout.pricing import Destination, Quote
from services.orders.checkout.shipping import countries
from services.orders.deps import Deps
from services.orders.pages.basket import Basket
from services.orders.quotes.usecases import give_quote, price_now
from shared.errors import DomainError
from shared.http.preferences import Preferences

_AT_HOME: Mapping[str, str] = {"ja": "JP", "de": "DE"}
_ANYWHERE_ELSE = "JP"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the cart, in minor units; `left` is how many there are where they are too few, else None."""

    sku: str
    name: str
    quantity: int
    unit_price_minor: int
    left: int | None = None

    @property
    def total_minor(self) -> int:
        """Price of all its units."""
        return self.unit_price_minor * self.quantity


@dataclass(frozen=True, slots=True)
class Bill:
    """A cart with its prices. `quote` is what a checkout charges that cites `quote_id`; None where it is refused."""

    rows: Sequence[Row]
    currency: str
    country: str
    quote: Quote | None
    quote_id: str = ""

    @property
    def goods_minor(self) -> int:
        """The watches alone."""
        return sum(row.total_minor for row in self.rows)

    @property
    def total_minor(self) -> int:
        """What would be charged."""
        return self.quote.total_minor if self.quote else self.goods_minor


async def bill_of(deps: Deps, basket: Basket, preferences: Preferences, country: str, *, holds: bool = False) -> Bill:
    """Price a cart of products that there are, in the visitor's currency or in one that all of them are sold in.

    `holds`: the prices are kept as a quote, which a checkout cites.
    """
    window = await deps.window.look()
    offers = [window.offers[sku] for sku, _ in basket]
    currency = _currency(offers, preferences.currency)
    rows = [_row(offer, basket.quantities[offer.product.sku], currency, preferences.language) for offer in offers]
    to = Destination(country, currency, preferences.language)
    try:
        if not holds:
            return Bill(rows, currency, country, await price_now(deps, basket.lines, to))
        given = await give_quote(deps, basket.lines, to)
        return Bill(rows, currency, country, given.quote, given.id)
    except DomainError:
        return Bill(rows, currency, country, None)


def country_near(wanted: str, language: str) -> str:
    """The country, where it is one; else where people of this language mostly live."""
    return wanted if wanted in countries() else _AT_HOME.get(language, _ANYWHERE_ELSE)


def _currency(offers: Sequence[Offer], preferred: str) -> str:
    everywhere = [code for code in offers[0].product.prices if all(code in offer.product.prices for offer in offers)]
    if preferred in everywhere:
        return preferred
    return everywhere[0] if everywhere else offers[0].product.currency_near(preferred)


def _row(offer: Offer, quantity: int, currency: str, language: str) -> Row:
    product = offer.product
    price = product.prices.get(currency, 0)
    return Row(product.sku, product.name(language), quantity, price, offer.stock if offer.stock < quantity else None)
