"""The catalogue over HTTP: a list with cursor and ETag, and one product."""

from collections.abc import Sequence
from functools import partial

from services.orders.catalogue.domain import Offer, ProductNotFound
from services.orders.deps import Deps
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


class ProductList(ResponseModel):
    """A page of the catalogue, ordered by SKU."""

    items: tuple[ProductView, ...]


def routes(deps: Deps) -> Sequence[Route]:
    """The catalogue's part of the contract."""
    return [
        Route("GET", PATH, partial(_list, deps), "The catalogue, page by page", query=PageQuery,
              answers={200: ProductList, 304: None}, headers=["If-None-Match"]),
        Route("GET", f"{PATH}/{{sku}}", partial(_one, deps), "One product",
              answers={200: ProductView, 304: None}, problems=[ProductNotFound], headers=["If-None-Match"]),
    ]  # fmt: skip


async def _list(deps: Deps, call: Call[None, PageQuery]) -> Answer:
    window, behind = await deps.window.look(), call.query.behind
    tag = window.tag(str(call.query.limit), behind)
    if _is_known(call, tag):
        return _unchanged(tag)
    rest = [offer for sku, offer in window.offers.items() if sku > behind]
    page, has_more = cut(rest, call.query)
    link = next_link(PATH, call.query, page[-1].product.sku) if has_more else {}
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


def _is_known(call: Call[None, PageQuery] | Call[None, None], tag: str) -> bool:
    asked = call.header("If-None-Match")
    return asked is not None and knows(asked, tag)


def _unchanged(tag: str) -> Answer:
    return Answer(304, headers=_cached(tag))


def _cached(tag: str) -> dict[str, str]:
    return {"ETag": tag, "Cache-Control": "no-cache"}
