"""What the gateway asks before each request, and the keys by which services check its answer."""

from dataclasses import replace
from functools import partial

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from services.auth.accounts.domain import STAFF_ROLES
from services.auth.browser import presented_by, remember_cookie, session_cookie
from services.auth.deps import Deps
from services.auth.identity.issuer import IdentityIssuer
from services.auth.sessions.recognition import Recognised, recognise
from shared.errors import FieldError, InvalidInput
from shared.http.cookies import Cookie, set_cookies
from shared.topology import SERVICES

IDENTITY_PATH = "/internal/identity"
STAFF_PATH = "/internal/staff"
JWKS_PATH = "/.well-known/jwks.json"


def gateway_questions(deps: Deps) -> dict[str, Handler]:
    """What the gateway asks before each request; never to be had through the gateway."""
    return {IDENTITY_PATH: partial(_identity, deps), STAFF_PATH: partial(_staff, deps)}


def gateway_routes(deps: Deps) -> list[web.RouteDef]:
    """The key set, which is public."""
    return [web.get(JWKS_PATH, partial(_key_set, deps))]


async def _identity(deps: Deps, request: web.Request) -> web.Response:
    """Always 200, and not to be kept; `X-Identity` is empty for a guest.

    A remembered browser that comes back gets two cookies, each in a header of its own: nginx 1.22 hands on only the
    first `Set-Cookie` of an authentication subrequest.
    """
    audience = request.headers.get("X-Audience", "")
    if audience not in SERVICES:
        raise InvalidInput(fields=[FieldError("X-Audience", "unknown-audience", "must be a service's name")])
    recognised = await recognise(deps, presented_by(request, deps.settings))
    session = recognised.session
    signed = "" if session is None else deps.issuer.issue(session.identity(), audience)
    headers = {"X-Identity": signed, "Cache-Control": "no-store"}
    return web.Response(headers=headers | _cookie_headers(deps, recognised))


async def _staff(deps: Deps, request: web.Request) -> web.Response:
    """200 where it is one of the staff who asks, of whatever role; else 403. For the status page of the gateway.

    By the session alone: who is only remembered would be given new cookies, which do not travel this way.
    """
    presented = replace(presented_by(request, deps.settings), remember="")
    session = (await recognise(deps, presented)).session
    is_staff = session is not None and not session.identity().roles.isdisjoint(STAFF_ROLES)
    return web.Response(status=200 if is_staff else 403, headers={"Cache-Control": "no-store"})


def _cookie_headers(deps: Deps, recognised: Recognised) -> dict[str, str]:
    headers = {}
    if recognised.session_cookie is not None:
        headers["X-Set-Session"] = _set_cookie(deps, session_cookie(recognised.session_cookie))
    if recognised.remember_cookie is not None:
        headers["X-Set-Remember"] = _set_cookie(deps, remember_cookie(recognised.remember_cookie))
    elif recognised.forget:
        headers["X-Set-Remember"] = _set_cookie(deps, Cookie.deletion("remember"))
    return headers


def _set_cookie(deps: Deps, cookie: Cookie) -> str:
    """What would be the value of Set-Cookie."""
    response = web.Response()
    set_cookies(response, deps.settings, cookie)
    [morsel] = response.cookies.values()
    return morsel.OutputString()


async def _key_set(deps: Deps, _request: web.Request) -> web.Response:
    return key_set_response(deps.issuer)


def key_set_response(issuer: IdentityIssuer) -> web.Response:
    """The issuer's keys, as services fetch them."""
    return web.Response(
        body=orjson.dumps(issuer.key_set()),
        content_type="application/json",
        headers={"Cache-Control": "public, max-age=30"},
    )
