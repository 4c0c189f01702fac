"""The contract to fetch and to read, and the page that explains a refusal."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from shared.errors import DomainError
from shared.http.openapi import openapi_document
from shared.http.routes import Route
from shared.settings import BaseSettings


def contract_routes(settings: BaseSettings, routes: Sequence[Route]) -> list[web.RouteDef]:
    """`/api/<service>/openapi.json` and `/api/<service>/docs`. Both are built at the first request."""
    prefix = f"/api/{settings.service}"

    @cache
    def document() -> dict[str, Any]:
        return openapi_document(settings.service, routes, site_name=settings.site_name)

    @cache
    def encoded() -> bytes:
        return orjson.dumps(document())

    async def contract(_request: web.Request) -> web.Response:
        return web.Response(body=encoded(), content_type="application/json")

    async def docs(request: web.Request) -> web.Response:
        from shared.http.pages import Pages

        return Pages(settings).render(request, "docs.html", document=document(), service=settings.service)

    return [web.get(f"{prefix}/openapi.json", contract), web.get(f"{prefix}/docs", docs)]


def problem_page(settings: BaseSettings) -> Callable[[web.Request, int, DomainError | None], Awaitable[web.Response]]:
    """A page that says what a problem says."""

    async def page(request: web.Request, status: int, refusal: DomainError | None) -> web.Response:
        from shared.http.pages import Pages

        detail = refusal.detail if refusal else ""
        title = HTTPStatus(status).phrase
        return Pages(settings).render(request, "problem.html", status, title=title, detail=detail)

    return page
