"""Mailer's HTTP application: the API, the newsletter's pages and the marketing desk's."""

from aiohttp import web

from services.mailer.bounces.webhook import webhook_routes
from services.mailer.campaigns.routes import campaign_routes
from services.mailer.deps import Deps
from services.mailer.pages import desk_pages
from services.mailer.subscriptions.pages import UNSUBSCRIBE, newsletter_pages
from services.mailer.subscriptions.routes import subscription_routes
from shared.http.app import build_api
from shared.http.routes import Route


def routes(deps: Deps) -> list[Route]:
    """The whole API."""
    return [*subscription_routes(deps), *campaign_routes(deps), *webhook_routes(deps)]


def build_app(deps: Deps) -> web.Application:
    """Route table and the kit's middlewares."""
    return build_api(
        deps.settings,
        routes=routes(deps),
        pages=[*newsletter_pages(deps), *desk_pages(deps)],
        identities=deps.identities,
        ready=deps.ready,
        cross_site_ok=[UNSUBSCRIBE],
    )
