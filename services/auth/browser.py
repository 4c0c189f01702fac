"""What a browser sent, and the cookies that it gets: shared by the API, the pages and the gateway's question."""

from aiohttp import web

from services.auth.config import Settings
from services.auth.sessions.domain import device_of
from services.auth.sessions.login import LoggedIn
from services.auth.sessions.remembered import LASTS
from services.auth.sessions.visit import Presented, Visit
from shared.http.client import network_of
from shared.http.cookies import Cookie, read_cookie

_LASTS_S = int(LASTS.total_seconds())
LOGGED_OUT = (Cookie.deletion("session"), Cookie.deletion("remember"))


def presented_by(request: web.BaseRequest, settings: Settings) -> Presented:
    """The cookies of ours."""
    return Presented(
        session=read_cookie(request, settings, "session") or "",
        remember=read_cookie(request, settings, "remember") or "",
    )


def visit_by(request: web.BaseRequest, settings: Settings) -> Visit:
    """Who asks, as far as a request shows it."""
    device = device_of(request.headers.get("User-Agent", "")[:400])
    return Visit(device, network_of(request), presented_by(request, settings))


def session_cookie(value: str) -> Cookie:
    """Ends with the browser; how long the session lives is the database's business."""
    return Cookie("session", value)


def remember_cookie(value: str) -> Cookie:
    """Lasts 60 days from the last time that the browser came back with it."""
    return Cookie("remember", value, max_age_s=_LASTS_S)


def cookies_of(logged_in: LoggedIn, presented: Presented) -> list[Cookie]:
    """What a login sets. Where the box was not ticked, a remember cookie from before goes."""
    cookies = [session_cookie(logged_in.session_cookie)]
    if logged_in.remember_cookie is not None:
        cookies.append(remember_cookie(logged_in.remember_cookie))
    elif presented.remember:
        cookies.append(Cookie.deletion("remember"))
    return cookies
