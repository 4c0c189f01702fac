"""The catalogue, with a search, and each product."""

from collections.abc import Sequence

from aiohttp import web

from services.orders.catalogue.search import LONGEST_SEARCH, is_found, words_of
from services.orders.checkout.requests import MAX_QUANTITY
from services.orders.pages.frame import Frame
from services.orders.pages.pictures import picture
from shared.cardlike import may_hold_card_number

_DAY_S = 86_400
FEW = 5
"""At most so many left are worth saying."""


def catalogue_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """For everybody."""
    return [
        frame.get("/", _catalogue),
        frame.get("/products/{sku}.svg", _picture),
        frame.get("/products/{sku}", _product),
    ]


async def _catalogue(frame: Frame, request: web.Request) -> web.Response:
    words = frame.words(request)
    sought, window = _sought(request), await frame.deps.window.look()
    sought_words = words_of(sought)
    offers = [offer for offer in window.offers.values() if is_found(offer.product, sought_words)]
    return frame.show(
        request,
        "catalogue.html",
        words["shop"]["watches"],
        offers=offers,
        sought=sought,
        few=FEW,
        basket=await frame.basket(request),
    )


def _sought(request: web.Request) -> str:
    """What somebody looks for, as far as it may be shown again."""
    text = request.query.get("q", "")[:LONGEST_SEARCH].strip()
    return "" if may_hold_card_number(text) or not text.isprintable() else text


async def _product(frame: Frame, request: web.Request) -> web.Response:
    offer = (await frame.deps.window.look()).get(request.match_info["sku"])
    name = offer.product.name(frame.rendered.language_of(request))
    basket = await frame.basket(request)
    return frame.show(
        request,
        "product.html",
        name,
        offer=offer,
        few=FEW,
        most=min(MAX_QUANTITY, offer.stock),
        basket=basket,
    )


async def _picture(frame: Frame, request: web.Request) -> web.Response:
    product = (await frame.deps.window.look()).get(request.match_info["sku"]).product
    return web.Response(
        body=picture(product.sku, product.name("en")),
        content_type="image/svg+xml",
        headers={"Cache-Control": f"public, max-age={_DAY_S}", "Content-Security-Policy": "default-src 'none'"},
    )
