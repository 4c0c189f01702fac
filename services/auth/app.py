"""Auth's HTTP application: the API, the pages, and what the gateway asks."""

from aiohttp import web

from services.auth.deps import Deps
from services.auth.identity.gateway import gateway_questions, gateway_routes
from services.auth.pages import pages
from services.auth.routes import routes
from shared.http.app import build_api


def build_app(deps: Deps) -> web.Application:
    """Route table and the kit's middlewares."""
    return build_api(
        deps.settings,
        routes=routes(deps),
        pages=[*pages(deps), *gateway_routes(deps)],
        direct=gateway_questions(deps),
        identities=deps.identities,
        ready=deps.ready,
    )
