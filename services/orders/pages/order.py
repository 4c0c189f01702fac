"""An order's page: where it stands, what was bought, and the receipt to print."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from services.orders.life.domain import Order
from services.orders.life.routes import TokenQuery
from services.orders.life.view import find_visible, view_of
from services.orders.pages.frame import Frame
from shared.http.context import identity_of
from shared.http.intake import read_query


def order_pages(frame: Frame) -> Sequence[web.RouteDef]:
    """For whoever bought it: by the account, or by the link of a guest."""
    return [
        frame.get("/orders/{id}", _order),
        frame.get("/orders/{id}/receipt", _receipt),
    ]


async def _order(frame: Frame, request: web.Request) -> web.Response:
    return await _page(frame, request, "order.html", "title")


async def _receipt(frame: Frame, request: web.Request) -> web.Response:
    return await _page(frame, request, "receipt.html", "receipt_title")


async def _page(frame: Frame, request: web.Request, template: str, title: str) -> web.Response:
    query = read_query(request, OrderQuery)
    order = await find_visible(frame.deps, request.match_info["id"], who=identity_of(request), token=query.t)
    words = frame.words(request)["order"]
    context = await shown(frame, order, query.t)
    return frame.show(request, template, words[title].format(number=order.number), **context)


class OrderQuery(TokenQuery):
    """How a guest shows that an order is theirs, and what was just done."""

    done: str = ""


async def shown(frame: Frame, order: Order, token: str) -> dict[str, Any]:
    """What the templates need of an order."""
    return {
        "order": order,
        "view": await view_of(frame.deps, order),
        "query": f"?t={token}" if token else "",
        "is_open": order.settled_at is None,
        "is_guest": not order.account_id,
    }
