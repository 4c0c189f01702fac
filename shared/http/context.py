"""What the middlewares found out about a request, for handlers of pages and of the API."""

from aiohttp import web

from shared.errors import DomainError, ErrorKind
from shared.identity import Identity
from shared.settings import BaseSettings

SETTINGS = web.AppKey("settings", BaseSettings)
IDENTITY = web.RequestKey("identity", Identity)
REQUEST_ID = web.RequestKey("request_id", str)


class Unauthenticated(DomainError):
    """Log in first."""

    kind = ErrorKind.UNAUTHENTICATED
    code = "unauthenticated"


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


def request_id_of(request: web.Request) -> str:
    """The id that this request has in all logs."""
    return str(request.get(REQUEST_ID, ""))
