"""The contract to fetch and to read, and the page that explains a refusal."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import Any

import orjson
from aiohttp import web

from shared.errors import DomainError
from shared.http.openapi import openapi_document
from shared.http.preferences import LANGUAGES
from shared.http.routes import Route
from shared.settings import BaseSettings


class Contract:
    """The contract of one service. Built when it is first asked for, for that takes longer than all else at start."""

    def __init__(self, settings: BaseSettings, routes: Sequence[Route]) -> None:
        self._settings = settings
        self._routes = routes

    @cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return openapi_document(self._settings.service, self._routes, site_name=self._settings.site_name)

    @cached_property
    def _encoded(self) -> bytes:
        return orjson.dumps(self.document)

    async def to_fetch(self, _request: web.Request) -> web.Response:
        """For programs."""
        return web.Response(body=self._encoded, content_type="application/json")

    async def to_read(self, request: web.Request) -> web.Response:
        """For people."""
        from shared.http.pages import Pages

        service = self._settings.service
        return Pages(self._settings).render(request, "docs.html", document=self.document, service=service)


CONTRACT = web.AppKey("contract", Contract)


def add_contract(app: web.Application, settings: BaseSettings, routes: Sequence[Route]) -> None:
    """Add `/api/<service>/openapi.json` and `/api/<service>/docs`."""
    contract = app[CONTRACT] = Contract(settings, routes)
    app.router.add_get(f"/api/{settings.service}/openapi.json", contract.to_fetch)
    app.router.add_get(f"/api/{settings.service}/docs", contract.to_read)


def problem_page(settings: BaseSettings) -> Callable[[web.Request, int, DomainError | None], Awaitable[web.Response]]:
    """A page that says what a problem says: the title in the visitor's language, the detail in English."""

    async def page(request: web.Request, status: int, refusal: DomainError | None) -> web.Response:
        from shared.http.pages import Pages, problem_title

        rendered = Pages(settings, languages=LANGUAGES)
        title = problem_title(status, rendered.language_of(request))
        detail = refusal.detail if refusal else ""
        return rendered.render(request, "problem.html", status, title=title, detail=detail)

    return page
