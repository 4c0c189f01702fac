"""The application of a service: its API routes, its pages, probes, the contract, and what surrounds them all."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from shared.health import HEALTH, Health, Readiness
from shared.http import middleware
from shared.http.context import DIRECT, SETTINGS, identity_of
from shared.http.cookies import set_cookies
from shared.http.docs import add_contract, problem_page
from shared.http.intake import read_json, read_query
from shared.http.kept import PUBLIC_FOR_S, SHELF, Shelf, keep_public
from shared.http.routes import Answer, Call, File, ResponseModel, Route
from shared.identity import IdentityVerifier
from shared.settings import BaseSettings

log = structlog.get_logger()


def build_api(
    settings: BaseSettings,
    *,
    routes: Sequence[Route],
    pages: Sequence[web.RouteDef] = (),
    direct: Mapping[str, Handler] | None = None,
    identities: IdentityVerifier,
    ready: Readiness,
    cross_site_ok: Collection[str] = (),
    handler_timeout_s: float = middleware.HANDLER_TIMEOUT_S,
    slower_pages: Mapping[str, float] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> web.Application:
    """A service's application.

    Args:
        settings: of the service; `settings.service` is its name in `/api/<service>/openapi.json` and `/docs`.
        routes: the API.
        pages: handlers of server-rendered pages; they get the same middlewares.
        direct: handlers of the gateway's own questions by path; see `middleware.direct`.
        identities: checks `X-Identity`.
        ready: for `/readyz`.
        cross_site_ok: templates of routes that a foreign site may post to, such as one-click unsubscribing.
        handler_timeout_s: after which a request is answered with 503.
        slower_pages: the same for pages that may take longer, by the template of their route.
        monotonic: seconds of a clock that never goes back; tells how old a kept answer is.
    """
    slower = {route.path: route.timeout_s for route in routes if route.timeout_s} | dict(slower_pages or {})
    shelf = Shelf(monotonic)
    app = web.Application(
        middlewares=[
            keep_public(shelf),
            middleware.observe,
            middleware.protect,
            middleware.explain(problem_page(settings) if pages else None),
            middleware.refuse_cross_site(settings, frozenset(cross_site_ok)),
            middleware.identify(identities),
            middleware.limit(handler_timeout_s, slower),
        ],
        client_max_size=settings.body_limit_bytes,
    )
    health = Health(ready)
    app[SETTINGS] = settings
    app[HEALTH] = health
    app[SHELF] = shelf
    app[DIRECT] = {path: middleware.direct(path, handler) for path, handler in (direct or {}).items()}
    app.router.add_routes(health.routes())
    add_contract(app, settings, routes)
    app.router.add_routes([_route_def(settings, route) for route in routes])
    app.router.add_routes(pages)
    app.router.add_routes([web.get(path, handler) for path, handler in (direct or {}).items()])
    return app


def _route_def(settings: BaseSettings, route: Route) -> web.RouteDef:
    return web.RouteDef(route.method, route.path, _endpoint(settings, route), {})


def _endpoint(settings: BaseSettings, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def endpoint(request: web.Request) -> web.Response:
        identity = identity_of(request)
        route.access.check(identity)
        query: Any = read_query(request, route.query) if route.query else None
        body: Any = await read_json(request, route.body) if route.body else None
        answer = await route.handler(Call(request, body, query, identity))
        request[PUBLIC_FOR_S] = answer.public_for_s
        return _respond(settings, route, answer)

    return endpoint


def _respond(settings: BaseSettings, route: Route, answer: Answer) -> web.Response:
    if answer.status not in route.answers:
        log.error("answer is not in the contract", route=route.path, status=answer.status)
    body, kind = _written(answer.body)
    headers = dict(answer.headers)
    if body is not None:
        headers.setdefault("Content-Type", kind)
    response = web.Response(status=answer.status, body=body, headers=headers)
    set_cookies(response, settings, *answer.cookies)
    return response


def _written(body: ResponseModel | File | None) -> tuple[bytes | None, str]:
    if isinstance(body, File):
        return body.content, body.media_type
    return None if body is None else body.model_dump_json(by_alias=True).encode(), "application/json"
