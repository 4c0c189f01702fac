"""Where products are kept, and the shop window: all offers as they were a moment ago."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson

from services.orders.catalogue.domain import Offer, Product, ProductNotFound

FRESH_S = 1.0


class Products(Protocol):
    """The catalogue's store."""

    async def offers(self) -> Sequence[Offer]:
        """Every product with its stock, ordered by SKU; retired ones too."""

    async def put(self, product: Product, *, stock: int) -> None:
        """Add or describe anew; `stock` counts only for a product that has none yet."""

    async def add(self, product: Product, *, stock: int) -> None:
        """Add, unless there is one of this SKU, whatever has become of it."""


@dataclass(frozen=True, slots=True)
class Window:
    """All offers that are not retired by SKU, in the order of SKUs, and a digest of them all."""

    offers: Mapping[str, Offer]
    digest: str

    def get(self, sku: str) -> Offer:
        """One offer.

        Raises:
            ProductNotFound: no such SKU.
        """
        if sku not in self.offers:
            raise ProductNotFound
        return self.offers[sku]

    def tag(self, *view: str) -> str:
        """An entity tag (RFC 9110 section 8.8.3) for what is shown of these offers under these parameters."""
        return f'"{hashlib.sha256("|".join([self.digest, *view]).encode()).hexdigest()[:32]}"'


class ShopWindow:
    """Reads all offers again when they are older than `fresh_s`. Callers that meet share one reading.

    What is shown may be that old; what is sold is decided by `stock`, in the database.
    """

    def __init__(self, products: Products, *, monotonic: Callable[[], float], fresh_s: float = FRESH_S) -> None:
        self._products = products
        self._monotonic = monotonic
        self._fresh_s = fresh_s
        self._window = Window({}, "")
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def look(self) -> Window:
        """The offers.

        Raises:
            TransientError: the database is away, and what was read before is too old.
        """
        if self._is_fresh():
            return self._window
        async with self._reading:
            if not self._is_fresh():
                started_at = self._monotonic()
                self._window = _window_of(await self._products.offers())
                self._read_at = started_at
        return self._window

    @property
    def fresh_for_s(self) -> float:
        """For how long what `look` gave last is fresh; 0 where it is not."""
        return max(0.0, self._fresh_s - (self._monotonic() - self._read_at))

    def _is_fresh(self) -> bool:
        return self._monotonic() - self._read_at <= self._fresh_s


def _window_of(offers: Sequence[Offer]) -> Window:
    sold = {offer.product.sku: offer for offer in offers if not offer.product.is_retired}
    return Window(sold, hashlib.sha256(orjson.dumps(list(sold.values()))).hexdigest())
