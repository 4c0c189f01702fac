"""What somebody looks for in the catalogue: every word must stand in what is said of a product, in any language."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from services.orders.catalogue.domain import Product

LONGEST_SEARCH = 80
"""Characters."""


def words_of(sought: str) -> Sequence[str]:
    """The words that must be found, in the one spelling in which they are compared."""
    return _plain(sought).split()


def is_found(product: Product, words: Sequence[str]) -> bool:
    """Whether every word stands in the SKU, a name or a description; everything is found by no words."""
    text = _plain("\n".join((product.sku, *product.names.values(), *product.descriptions.values())))
    return all(word in text for word in words)


@lru_cache(maxsize=4_096)
def _plain(text: str) -> str:
    """Without width and case (NFKC and casefold), again NFKC, for casefolding may take letters apart."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
