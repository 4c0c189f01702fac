"""What the middlewares found out about a request, for handlers of pages and of the API."""

import re

from aiohttp import web
from aiohttp.typedefs import Handler

from shared.errors import DomainError, ErrorKind
from shared.identity import Identity
from shared.ids import new_id
from shared.settings import BaseSettings

SETTINGS = web.AppKey("settings", BaseSettings)
DIRECT = web.AppKey("direct", dict[str, Handler])
"""Handlers that `shared.http.server` calls without routing and middlewares, by path; see `middleware.direct`."""
IDENTITY = web.RequestKey("identity", Identity)
REQUEST_ID = web.RequestKey("request_id", str)
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)


class Unauthenticated(DomainError):
    """Log in first."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "unauthenticated"


class FreshLoginRequired(DomainError):
    """Give your password again first: POST /api/auth/session/confirm."""

    kind = ErrorKind.FORBIDDEN
    code = "fresh-login-required"


class Forbidden(DomainError):
    """Your account may not do this."""

    kind = ErrorKind.FORBIDDEN
    code = "forbidden"


def identity_of(request: web.Request) -> Identity | None:
    """Who asks, checked; None for a visitor."""
    return request.get(IDENTITY)


def who(request: web.Request) -> Identity:
    """Who asks.

    Raises:
        Unauthenticated: nobody is signed in.
    """
    identity = identity_of(request)
    if identity is None:
        raise Unauthenticated
    return identity


def received_request_id(request: web.BaseRequest) -> str:
    """The id that the gateway gave the request, or a new one."""
    received = request.headers.get("X-Request-Id", "")
    return received if _REQUEST_ID.fullmatch(received) else new_id()


def request_id_of(request: web.Request) -> str:
    """The id that this request has in all logs."""
    return str(request.get(REQUEST_ID, ""))
