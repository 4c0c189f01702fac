"""The way in and out: register, verify, log in, log out."""

from collections.abc import Mapping
from functools import partial

from aiohttp import web
from pydantic import Field

from services.auth.accounts.registration import Wish, register, verify_address
from services.auth.accounts.views import Registration, VerificationRequest
from services.auth.browser import LOGGED_OUT, cookies_of, presented_by, visit_by
from services.auth.deps import Deps
from services.auth.factors.check import Given
from services.auth.pages.forms import errors_of, safe_next, see_other
from services.auth.refusals import SecondFactorRequired
from services.auth.sessions.login import Credentials, log_in, log_out
from services.auth.sessions.views import Login
from shared.errors import DomainError
from shared.http.intake import parse_form, read_query
from shared.http.pages import Pages, read_form
from shared.http.preferences import read_preferences
from shared.http.problems import refusal_headers, status_of
from shared.http.routes import RequestModel


class LinkQuery(RequestModel):
    """The mailed link."""

    t: str = Field(default="", max_length=200)


class NextQuery(RequestModel):
    """Where to go after logging in; anything that is not a page of ours is ignored."""

    next: str = Field(default="", max_length=2000)


class LoginForm(Login):
    """The login form."""

    next: str = Field(default="", max_length=2000)


def entry_pages(deps: Deps, rendered: Pages) -> list[web.RouteDef]:
    """Pages for those who are not logged in yet."""
    return [
        web.get("/register", partial(_registration, rendered)),
        web.post("/register", partial(_register, deps, rendered)),
        web.get("/verify", partial(_verification, rendered)),
        web.post("/verify", partial(_verify, deps, rendered)),
        web.get("/login", partial(_login, rendered)),
        web.post("/login", partial(_log_in, deps, rendered)),
        web.post("/logout", partial(_log_out, deps)),
    ]


async def _registration(rendered: Pages, request: web.Request) -> web.Response:
    return rendered.render(request, "register.html", values={}, errors={}, problem="")


async def _register(deps: Deps, rendered: Pages, request: web.Request) -> web.Response:
    form = await read_form(request)
    try:
        wanted = form.parse(Registration)
        language = read_preferences(request, deps.settings).language
        await register(deps, Wish(wanted.email, wanted.name, wanted.password, language))
    except DomainError as refusal:
        return _again(rendered, request, "register.html", refusal, values=form.shown)
    return rendered.render(request, "registered.html", 202)


async def _verification(rendered: Pages, request: web.Request) -> web.Response:
    """Changes nothing: mail scanners follow links."""
    return rendered.render(request, "verify.html", token=read_query(request, LinkQuery).t)


async def _verify(deps: Deps, rendered: Pages, request: web.Request) -> web.Response:
    try:
        posted = await parse_form(request, VerificationRequest)
        await verify_address(deps, posted.token)
    except DomainError as refusal:
        return rendered.render(request, "not_verified.html", status_of(refusal), problem=refusal.detail)
    return rendered.render(request, "verified.html")


async def _login(rendered: Pages, request: web.Request) -> web.Response:
    values = {"next": safe_next(read_query(request, NextQuery).next)}
    return rendered.render(request, "login.html", values=values, errors={}, problem="", asks_code=False)


async def _log_in(deps: Deps, rendered: Pages, request: web.Request) -> web.Response:
    form = await read_form(request)
    presented = presented_by(request, deps.settings)
    try:
        posted = form.parse(LoginForm)
        logged_in = await log_in(
            deps,
            Credentials(posted.email, posted.password, Given(posted.otp)),
            remember=posted.remember,
            visit=visit_by(request, deps.settings),
        )
    except DomainError as refusal:
        asks_code = isinstance(refusal, SecondFactorRequired) or "otp" in form.values
        values = form.shown | {"next": safe_next(form.shown.get("next", ""))}
        return _again(rendered, request, "login.html", refusal, values=values, asks_code=asks_code)
    return see_other(deps.settings, safe_next(posted.next), cookies_of(logged_in, presented))


async def _log_out(deps: Deps, request: web.Request) -> web.Response:
    await log_out(deps, presented_by(request, deps.settings))
    return see_other(deps.settings, "/", LOGGED_OUT)


def _again(
    rendered: Pages, request: web.Request, page: str, refusal: DomainError, *, values: Mapping[str, str], **more: bool
) -> web.Response:
    """The form once more, with what was typed (never a password) and what is wrong with it."""
    errors = errors_of(refusal)
    shown = {name: value for name, value in values.items() if name not in ("password", "otp")}
    response = rendered.render(
        request, page, status_of(refusal), values=shown, errors=errors, problem="" if errors else refusal.detail, **more
    )
    response.headers.update(refusal_headers(refusal))
    return response
