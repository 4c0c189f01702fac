"""The desk's pages: support finds orders and takes them from step to step.

Neither persons nor cards are shown, but whom an order is for, with a reason that the buyer reads.
"""

from collections.abc import Sequence

from aiohttp import web

from services.orders.pages.desk.blocks import block_pages
from services.orders.pages.desk.home import home_pages
from services.orders.pages.desk.listing import listing_pages
from services.orders.pages.desk.order import order_pages
from services.orders.pages.desk.reviews import review_pages
from services.orders.pages.desk.steps import step_pages
from services.orders.pages.frame import Frame


def desk_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """All of them."""
    subjects = (home_pages, review_pages, block_pages, listing_pages, order_pages, step_pages)
    return [route for subject in subjects for route in subject(frame)]
