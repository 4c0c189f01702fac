"""What a cart costs, as the cart and the checkout show it: each line, shipping and the total for one country."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.orders.catalogue.domain import Offer
from services.orders.catalogue.store import Window
from services.orders.checkout.pricing import Destination, Quote, quote
from services.orders.checkout.shipping import countries
from services.orders.pages.basket import Basket
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
    """A cart with its prices. `quote` is what a checkout would charge; None where it would be refused."""

    rows: Sequence[Row]
    currency: str
    country: str
    quote: Quote | None

    @property
    def goods_minor(self) -> int:
        """The watches alone."""
        return sum(row.total_minor for row in self.rows)

    @property
    def total_minor(self) -> int:
        """What would be charged."""
        return self.quote.total_minor if self.quote else self.goods_minor


def bill_of(
    basket: Basket, window: Window, preferences: Preferences, country: str, *, sells_in_eu: bool = False
) -> Bill:
    """Price a cart of products that there are, in the visitor's currency or in one that all of them are sold in."""
    offers = [window.offers[sku] for sku, _ in basket]
    currency = _currency(offers, preferences.currency)
    rows = [_row(offer, basket.quantities[offer.product.sku], currency, preferences.language) for offer in offers]
    try:
        to = Destination(country, currency, preferences.language)
        priced = quote(basket.lines, window.offers, to, sells_in_eu=sells_in_eu)
    except DomainError:
        priced = None
    return Bill(rows, currency, country, priced)


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
