"""The cart: quantities to change, and what it costs in a country. It is all in the address: see `basket`."""

from collections.abc import Sequence

from aiohttp import web

from services.orders.checkout.requests import MAX_QUANTITY
from services.orders.checkout.shipping import countries
from services.orders.pages.frame import Frame
from services.orders.pages.prices import bill_of, country_near


def cart_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """For everybody."""
    return [frame.get("/cart", _cart)]


async def _cart(frame: Frame, request: web.Request) -> web.Response:
    title = frame.words(request)["shop"]["cart"]
    basket, preferences = await frame.basket(request), frame.preferences(request)
    if not basket:
        return frame.show(request, "cart.html", title, bill=None)
    country = country_near(request.query.get("country", ""), preferences.language)
    return frame.show(
        request,
        "cart.html",
        title,
        basket=basket,
        bill=await bill_of(frame.deps, basket, preferences, country),
        countries=countries(preferences.language),
        most=MAX_QUANTITY,
    )
