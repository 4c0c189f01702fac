"""Orders' HTTP application: the API and the pages."""

from collections.abc import Sequence

from aiohttp import web

from services.orders.catalogue import routes as catalogue
from services.orders.checkout import returning
from services.orders.checkout import routes as checkout
from services.orders.deps import Deps
from services.orders.desk import routes as desk
from services.orders.life import guest_routes as guests
from services.orders.life import routes as life
from services.orders.life import withdrawal_routes as withdrawal
from services.orders.pages import pages
from services.orders.payments import bank, webhook
from services.orders.payments import routes as payments
from services.orders.profile import routes as profile
from services.orders.quotes import routes as quotes
from services.orders.screening import routes as screening
from shared.http.app import build_api
from shared.http.routes import Route


def routes(deps: Deps) -> Sequence[Route]:
    """The whole API. Fixed paths come before `/api/orders/{id}`: the first that fits is taken."""
    modules = (catalogue, quotes, checkout, payments, profile, desk, screening, guests, withdrawal, life)
    return [part for module in modules for part in module.routes(deps)]


def build_app(deps: Deps) -> web.Application:
    """Route table and the kit's middlewares."""
    return build_api(
        deps.settings,
        routes=routes(deps),
        pages=[*returning.pages(deps), *bank.pages(deps), *pages(deps)],
        identities=deps.identities,
        ready=deps.ready,
        cross_site_ok=[webhook.PATH],
    )
