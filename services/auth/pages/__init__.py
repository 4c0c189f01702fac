"""Auth's pages: server-rendered, no script, no other host."""

from aiohttp import web

from services.auth.deps import Deps
from services.auth.pages.account import account_pages
from services.auth.pages.entry import entry_pages
from services.auth.pages.privacy import privacy_pages
from shared.http.pages import Pages


def pages(deps: Deps) -> list[web.RouteDef]:
    """All of them."""
    rendered = Pages(deps.settings, package="services.auth")
    return [*entry_pages(deps, rendered), *account_pages(deps, rendered), *privacy_pages(deps, rendered)]
