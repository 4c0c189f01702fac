"""The cart: it lives in the address of the shop's pages (`/cart?TF-KISAI-01=2`), so it needs no cookie and no account.

A link to it can be kept, and holds nothing about a person. Whatever else stands in the address is not the cart's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from services.orders.catalogue.store import Window
from services.orders.checkout.requests import MAX_LINES, MAX_QUANTITY, LineRequest

_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Basket:
    """How many of each SKU, in the order in which they were put in."""

    quantities: Mapping[str, int]

    @classmethod
    def read(cls, query: Iterable[tuple[str, str]], window: Window) -> Self:
        """What the address says of products that there are.

        Nothing is refused: more than may be bought becomes the most, what is no number or zero is no line, and of two
        of the same the last counts.
        """
        quantities: dict[str, int] = {}
        for sku, text in query:
            if sku not in window.offers or not _DIGITS.fullmatch(text):
                continue
            quantities[sku] = min(int(text[:6]), MAX_QUANTITY)
        return cls(dict([(sku, count) for sku, count in quantities.items() if count][:MAX_LINES]))

    @property
    def units(self) -> int:
        """How many watches."""
        return sum(self.quantities.values())

    @property
    def lines(self) -> tuple[LineRequest, ...]:
        """As a checkout wants them."""
        return tuple(LineRequest(sku=sku, quantity=count) for sku, count in self.quantities.items())

    def without(self, sku: str) -> "Basket":
        """The same less one product."""
        return Basket({each: count for each, count in self.quantities.items() if each != sku})

    def href(self, path: str, **more: str) -> str:
        """The address of a page of the shop with this cart."""
        query = urlencode([*self.quantities.items(), *((name, text) for name, text in more.items() if text)])
        return f"{path}?{query}" if query else path

    def __bool__(self) -> bool:
        return bool(self.quantities)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self.quantities.items())
