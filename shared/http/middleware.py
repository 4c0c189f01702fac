"""What happens around every handler, outermost first: observe, protect, explain, refuse_cross_site, identify, limit."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from shared import metrics, spans
from shared.errors import DomainError, ErrorKind, TransientError
from shared.http.context import IDENTITY, REQUEST_ID, received_request_id, request_id_of
from shared.http.cookies import carries_cookies
from shared.http.intake import BodyTooSlow, CompressedBody, UnsupportedMediaType
from shared.http.problems import problem_response, refusal_headers, status_of
from shared.identity import IdentityVerifier
from shared.settings import BaseSettings
from shared.trace import bind_traceparent, continue_trace, trace_id, unbind_traceparent

HANDLER_TIMEOUT_S = 15
PROBES = frozenset({"/livez", "/readyz", "/metrics"})
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
INTERNAL = "/internal/"  # the gateway's own questions, one before each request: logged only where they fail
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
CSP_WITH_SCRIPT = f"{CSP}; script-src 'self'; connect-src 'self'"
"""For the few pages that have a script: ours alone, in a file, which asks nobody but us."""
OF_EVERY_ANSWER = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
}
OF_EVERY_PAGE = {
    "Content-Security-Policy": CSP,
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""With the former and HSTS, which is the gateway's: OWASP's list of secure headers, less `Clear-Site-Data`, which
would end the visitor's preferences, too.
"""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

ProblemPage = Callable[[web.Request, int, DomainError | None], Awaitable[web.Response]]
log = structlog.get_logger()


class CrossSite(DomainError):
    """This can only be done from the shop's own pages."""

    kind = ErrorKind.FORBIDDEN
    code = "cross-site"


def route_of(request: web.Request) -> str:
    """The route's template, such as `/api/orders/{id}`; "unmatched" where there is none. Never the path itself."""
    matched = request._match_info  # the public name asserts that there is one; `direct` answers without
    resource = None if matched is None else matched.route.resource
    return resource.canonical if resource is not None else "unmatched"


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Request id, trace, access log, duration."""
    request_id = request[REQUEST_ID] = received_request_id(request)
    received = request.headers.get("traceparent")
    traceparent = continue_trace(received, sampled=spans.begins_sampled())
    token = bind_traceparent(traceparent)
    structlog.contextvars.bind_contextvars(request_id=request_id, trace_id=trace_id(traceparent))
    began = spans.now()
    started = time.perf_counter()
    status = 499  # nginx's number for a client that left; seen only if the handler is cancelled
    try:
        response = await handler(request)
        status = response.status
        response.headers["X-Request-Id"] = request_id
        return response
    finally:
        _record(request, status, time.perf_counter() - started)
        if began:
            _trace(request, status, traceparent, received=received, began=began)
        structlog.contextvars.unbind_contextvars("request_id", "trace_id")
        unbind_traceparent(token)


def _record(request: web.Request, status: int, duration_s: float) -> None:
    route = route_of(request)
    method = request.method if request.method in _METHODS else "OTHER"
    metrics.http_duration(route, method, status).observe(duration_s)
    if route not in PROBES and (status >= 400 or not route.startswith(INTERNAL)):
        log.info("request", method=method, route=route, status=status, duration_ms=round(duration_s * 1000, 2))


def _trace(request: web.Request, status: int, traceparent: str, *, received: str | None, began: int) -> None:
    route = route_of(request)
    method = request.method if request.method in _METHODS else "OTHER"
    if route in PROBES:
        return
    told: dict[str, str | int] = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": status,
    }
    spans.record(f"{method} {route}", spans.Kind.SERVER, traceparent, received=received, began=began,
                 failed=status >= 500, attributes=told)  # fmt: skip


@web.middleware
async def protect(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Headers that keep browsers from guessing, caching and telling; a handler's own win."""
    response = await handler(request)
    headers = response.headers
    wanted = OF_EVERY_ANSWER
    if headers.get("Content-Type", "").startswith("text/html"):
        wanted = wanted | OF_EVERY_PAGE
    for name, value in wanted.items():
        headers.setdefault(name, value)
    return response


def explain(problem_page: ProblemPage | None) -> Middleware:
    """Errors become problem details; on pages, for a browser, a page that says the same."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        refusal: DomainError | None = None
        try:
            return await handler(request)
        except DomainError as error:
            refusal = error
            response = problem_response(
                status_of(error), error.code, error.detail, request_id=request_id_of(request), fields=error.fields,
                headers=refusal_headers(error),
            )  # fmt: skip
        except web.HTTPException as error:
            if error.status < 400:
                return _redirection(error)
            response = _http_problem(request, error)
        except Exception as error:  # noqa: BLE001 - the one place at this edge where everything ends
            response = _failure(request, error)
        if problem_page is None or not _wants_page(request):
            return response
        page = await problem_page(request, response.status, refusal)
        for name in ("Retry-After", "WWW-Authenticate", "Allow"):
            if name in response.headers:
                page.headers[name] = response.headers[name]
        return page if response.keep_alive is None else _last(page)

    return middleware


def direct(path: str, handler: Handler) -> Handler:
    """A question of the gateway's own, one before each request: answered without routing and the other middlewares.

    They are for browsers, and together cost more than the answer. Errors become problems here as everywhere, and it
    counts in the same metric. No time limit: it waits for the database alone, which has its own.
    """
    explained = explain(None)

    async def answer(request: web.Request) -> web.StreamResponse:
        started = time.perf_counter()
        response = await explained(request, handler)
        metrics.http_duration(path, "GET", response.status).observe(time.perf_counter() - started)
        if response.status >= 400:
            response.headers.setdefault("Cache-Control", "no-store")
            log.info("request", method="GET", route=path, status=response.status,
                     request_id=received_request_id(request))  # fmt: skip
        return response

    return answer


def _redirection(error: web.HTTPException) -> web.Response:
    # aiohttp wants the exception raised, but then the middlewares around this one would not see a response.
    headers = {name: value for name, value in error.headers.items() if name not in ("Content-Type", "Content-Length")}
    response = web.Response(status=error.status, headers=headers)
    response.cookies.update(error.cookies)
    return response


def _http_problem(request: web.Request, error: web.HTTPException) -> web.Response:
    """What aiohttp refuses by itself: unknown route 404, wrong method 405."""
    codes = {404: "no-such-route", 405: "method-not-allowed", 413: "body-too-large"}
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return problem_response(
        error.status, codes.get(error.status, "refused"), request_id=request_id_of(request), headers=headers
    )


def _failure(request: web.Request, error: Exception) -> web.Response:
    request_id = request_id_of(request)
    if isinstance(error, UnsupportedMediaType):
        refused = problem_response(415, "unsupported-media-type", "The body is of a type that is not taken here.",
                                   request_id=request_id)  # fmt: skip
        return _last(refused) if isinstance(error, CompressedBody) else refused
    if isinstance(error, BodyTooSlow):
        return _last(problem_response(408, "body-too-slow", "The body did not arrive in time.", request_id=request_id))
    if isinstance(error, TransientError):
        log.warning("request not served", route=route_of(request), exc_info=error)
        return problem_response(503, error.code, error.advice, request_id=request_id,
                                headers={"Retry-After": str(max(1, error.retry_after_s))})  # fmt: skip
    if isinstance(error, ConnectionResetError):  # the client left while its body was read
        return problem_response(400, "malformed-body", request_id=request_id)
    log.error("request failed", route=route_of(request), exc_info=error)
    return problem_response(500, "internal", request_id=request_id)


def _last(response: web.Response) -> web.Response:
    """The last answer of its connection: what the client still sends of the body must not meet another request."""
    response.force_close()
    return response


def _wants_page(request: web.Request) -> bool:
    return not request.path.startswith("/api/") and "text/html" in request.headers.get("Accept", "")


def refuse_cross_site(settings: BaseSettings, cross_site_ok: Collection[str]) -> Middleware:
    """No other site makes a visitor's browser act here: by Sec-Fetch-Site, else Origin; never by another cookie."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in _SAFE and route_of(request) not in cross_site_ok and not _own_site(request, settings):
            raise CrossSite
        return await handler(request)

    return middleware


def _own_site(request: web.Request, settings: BaseSettings) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin == settings.public_url
    # No browser of today: each names the origin of a POST. One of yesterday could have sent a form from another site
    # (Fetch standard, section 2.2.2: safelisted content types), and that matters only where it adds a cookie.
    return not _is_form(request) or not carries_cookies(request, settings)


def _is_form(request: web.Request) -> bool:
    """A POST as a form of any site makes it; one without body and content type is no form."""
    if request.method != "POST":
        return False
    return request.content_type in _FORMS if "Content-Type" in request.headers else request.can_read_body


def identify(identities: IdentityVerifier) -> Middleware:
    """Whom the gateway's X-Identity names. None or an empty one is a visitor, a wrong one is refused."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        token = request.headers.get("X-Identity", "")
        if token:
            request[IDENTITY] = await identities.verify(token)
        return await handler(request)

    return middleware


def limit(timeout_s: float, slower: Mapping[str, float]) -> Middleware:
    """No request takes longer than `timeout_s`, or than `slower` says for its route's template.

    But for the gateway's own questions, one before each request: they wait for the database alone, which has its own
    limit, and another one would be a twentieth of what they cost.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(INTERNAL):
            return await handler(request)
        timeout = asyncio.timeout(slower.get(route_of(request), timeout_s) if slower else timeout_s)
        try:
            async with timeout:
                return await handler(request)
        except TimeoutError as error:
            if not timeout.expired():
                raise
            raise TransientError("the request took too long") from error

    return middleware
