"""The catalogue over HTTP: a list with search, cursor and ETag, and one product."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated
from urllib.parse import urlencode

from pydantic import AfterValidator, Field

from services.orders.catalogue.domain import Offer, ProductNotFound
from services.orders.catalogue.search import LONGEST_SEARCH, is_found, words_of
from services.orders.deps import Deps
from services.orders.persons import no_card_number
from shared.http.kept import knows
from shared.http.paging import PageQuery, cut, next_link
from shared.http.routes import Answer, Call, ResponseModel, Route

PATH = "/api/orders/products"


class ProductView(ResponseModel):
    """A watch. Texts by language, prices in minor units by ISO 4217 code."""

    sku: str
    names: dict[str, str]
    descriptions: dict[str, str]
    prices: dict[str, int]
    warranty_months: int
    weight_g: int
    stock: int
    """How many there were a moment ago."""
    picture: str
    """Path of an SVG."""


class CatalogueQuery(PageQuery):
    """Which part of the catalogue."""

    q: Annotated[str, Field(max_length=LONGEST_SEARCH), AfterValidator(no_card_number)] = ""
    """Words that must all stand in the SKU, a name or a description, in any language."""


class ProductList(ResponseModel):
    """A page of the catalogue, ordered by SKU."""

    items: tuple[ProductView, ...]


def routes(deps: Deps) -> Sequence[Route]:
    """The catalogue's part of the contract."""
    return [
        Route("GET", PATH, partial(_list, deps), "The catalogue, page by page", query=CatalogueQuery,
              answers={200: ProductList, 304: None}, headers=["If-None-Match"]),
        Route("GET", f"{PATH}/{{sku}}", partial(_one, deps), "One product",
              answers={200: ProductView, 304: None}, problems=[ProductNotFound], headers=["If-None-Match"]),
    ]  # fmt: skip


async def _list(deps: Deps, call: Call[None, CatalogueQuery]) -> Answer:
    window, behind, words = await deps.window.look(), call.query.behind, words_of(call.query.q)
    tag = window.tag(str(call.query.limit), behind, *words)
    if _is_known(call, tag):
        return _unchanged(tag)
    rest = [offer for sku, offer in window.offers.items() if sku > behind and is_found(offer.product, words)]
    page, has_more = cut(rest, call.query)
    also = urlencode({"q": call.query.q}) if words else ""
    link = next_link(PATH, call.query, page[-1].product.sku, also=also) if has_more else {}
    items = tuple(_view(offer) for offer in page)
    return Answer(200, ProductList(items=items), headers=_cached(tag) | link, public_for_s=deps.window.fresh_for_s)


async def _one(deps: Deps, call: Call[None, None]) -> Answer:
    window, sku = await deps.window.look(), call.path("sku")
    offer = window.get(sku)
    tag = window.tag(sku)
    if _is_known(call, tag):
        return _unchanged(tag)
    return Answer(200, _view(offer), headers=_cached(tag), public_for_s=deps.window.fresh_for_s)


def _view(offer: Offer) -> ProductView:
    product = offer.product
    return ProductView(
        sku=product.sku,
        names=dict(product.names),
        descriptions=dict(product.descriptions),
        prices=dict(product.prices),
        warranty_months=product.warranty_months,
        weight_g=product.weight_g,
        stock=offer.stock,
        picture=f"/products/{product.sku}.svg",
    )


def _is_known(call: Call[None, CatalogueQuery] | Call[None, None], tag: str) -> bool:
    asked = call.header("If-None-Match")
    return asked is not None and knows(asked, tag)


def _unchanged(tag: str) -> Answer:
    return Answer(304, headers=_cached(tag))


def _cached(tag: str) -> dict[str, str]:
    return {"ETag": tag, "Cache-Control": "no-cache"}
