"""The buyer comes back from the bank. What the address says of the outcome is not believed: the provider is asked."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from aiohttp import web
from pydantic import ConfigDict

from services.orders.deps import Deps
from services.orders.life.ask import ask_while_waiting
from services.orders.life.routes import TokenQuery
from services.orders.life.view import find_visible, link_to
from shared.errors import TransientError
from shared.http.context import identity_of
from shared.http.intake import read_query
from shared.http.pages import redirect


class ReturnQuery(TokenQuery):
    """A guest's token; what a provider adds of its own is left aside."""

    model_config = ConfigDict(extra="ignore")


def pages(deps: Deps) -> Sequence[web.RouteDef]:
    """Where `ChargeRequest.return_url` leads."""
    return [web.get("/orders/{id}/payment", partial(_returned, deps))]


async def _returned(deps: Deps, request: web.Request) -> web.Response:
    token = read_query(request, ReturnQuery).t
    order = await find_visible(deps, request.match_info["id"], who=identity_of(request), token=token)
    with suppress(TransientError):  # the sweep asks again
        order = await ask_while_waiting(deps, order)
    return redirect(link_to(deps, order).removeprefix(deps.settings.public_url))
