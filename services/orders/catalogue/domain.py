"""A product and what can be asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import NotFound

FALLBACK_LANGUAGE = "en"


class ProductNotFound(NotFound):
    """There is no such product."""

    code = "product-not-found"


@dataclass(frozen=True, slots=True)
class Product:
    """One watch as the catalogue describes it. `prices` in minor units by ISO 4217 code."""

    sku: str
    names: Mapping[str, str]
    descriptions: Mapping[str, str]
    prices: Mapping[str, int]
    warranty_months: int
    weight_g: int
    is_retired: bool = False
    """Neither listed nor sold any more; what was sold of it stays as it is."""

    def name(self, language: str) -> str:
        """The name in a language, or in English."""
        return self.names.get(language) or self.names[FALLBACK_LANGUAGE]

    def description(self, language: str) -> str:
        """The description in a language, or in English."""
        return self.descriptions.get(language) or self.descriptions[FALLBACK_LANGUAGE]

    def currency_near(self, currency: str) -> str:
        """The currency, or the first of those that it is sold in."""
        return currency if currency in self.prices else next(iter(self.prices))


@dataclass(frozen=True, slots=True)
class Offer:
    """A product and how many of it could be bought a moment ago."""

    product: Product
    stock: int
