"""The shop's pages: no script is needed, no other host is asked, and they are usable on a phone."""

from aiohttp import web

from services.orders.deps import Deps
from services.orders.guarantee.notice import official_files
from services.orders.pages.book import address_pages
from services.orders.pages.cart import cart_pages
from services.orders.pages.catalogue import catalogue_pages
from services.orders.pages.checkout import checkout_pages
from services.orders.pages.desk import desk_pages
from services.orders.pages.frame import Frame
from services.orders.pages.guarantee import guarantee_pages
from services.orders.pages.guests import guest_pages
from services.orders.pages.mine import my_pages
from services.orders.pages.order import order_pages
from services.orders.pages.withdrawal import withdrawal_pages
from shared.http.pages import Pages
from shared.http.preferences import LANGUAGES


def pages(deps: Deps) -> list[web.RouteDef]:
    """All of them."""
    rendered = Pages(deps.settings, package="services.orders", languages=LANGUAGES)
    frame = Frame(rendered, deps, official_files(deps.settings.guarantee_notice_dir))
    subjects = (
        catalogue_pages, cart_pages, checkout_pages, my_pages, address_pages, guest_pages, order_pages,
        withdrawal_pages, guarantee_pages, desk_pages,
    )  # fmt: skip
    return [route for subject in subjects for route in subject(frame)]
