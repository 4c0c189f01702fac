"""Which page is where, and the three that only show something."""

from collections.abc import Sequence
from functools import partial

from aiohttp import web

from services.orders.deps import Deps
from services.orders.life.routes import TokenQuery
from services.orders.life.view import find_visible, view_of
from services.orders.pages.checkout import CheckoutPage
from services.orders.pages.pictures import picture
from services.orders.pages.words import STATUSES, WORDS
from shared.http.context import identity_of
from shared.http.intake import read_query
from shared.http.pages import Pages
from shared.http.preferences import LANGUAGES, read_preferences

_DAY_S = 86_400


def pages(deps: Deps) -> Sequence[web.RouteDef]:
    """The shop's pages."""
    rendered = Pages(deps.settings, package="services.orders", languages=LANGUAGES)
    checkout = CheckoutPage(deps, rendered)
    return [
        web.get("/", partial(_catalogue, deps, rendered)),
        web.get("/products/{sku}.svg", partial(_picture, deps)),
        web.get("/products/{sku}", partial(_product, deps, rendered)),
        web.get("/checkout", checkout.show),
        web.post("/checkout", checkout.buy),
        web.get("/orders/{id}", partial(_order, deps, rendered)),
    ]


async def _catalogue(deps: Deps, rendered: Pages, request: web.Request) -> web.Response:
    offers = (await deps.window.look()).offers.values()
    return rendered.render(request, "catalogue.html", offers=offers, t=_words(deps, request))


async def _product(deps: Deps, rendered: Pages, request: web.Request) -> web.Response:
    offer = (await deps.window.look()).get(request.match_info["sku"])
    return rendered.render(request, "product.html", offer=offer, t=_words(deps, request))


async def _picture(deps: Deps, request: web.Request) -> web.Response:
    product = (await deps.window.look()).get(request.match_info["sku"]).product
    return web.Response(
        body=picture(product.sku, product.name("en")),
        content_type="image/svg+xml",
        headers={"Cache-Control": f"public, max-age={_DAY_S}", "Content-Security-Policy": "default-src 'none'"},
    )


async def _order(deps: Deps, rendered: Pages, request: web.Request) -> web.Response:
    token = read_query(request, TokenQuery).t
    order = await find_visible(deps, request.match_info["id"], who=identity_of(request), token=token)
    language = read_preferences(request, deps.settings).language
    return rendered.render(
        request,
        "order.html",
        order=await view_of(deps, order),
        standing=STATUSES[language][order.status],
        is_open=order.settled_at is None,
        is_guest=not order.account_id,
        t=WORDS[language],
    )


def _words(deps: Deps, request: web.Request) -> object:
    return WORDS[read_preferences(request, deps.settings).language]
