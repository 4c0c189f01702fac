"""The way in and out: log in by password or passkey, log out, and the password again before what matters."""

import json
from typing import Any

from aiohttp import web
from pydantic import Field

from services.auth.accounts.passwords import OneTimeCode
from services.auth.browser import LOGGED_OUT, cookies_of, presented_by, visit_by
from services.auth.factors.check import Given
from services.auth.factors.codes import RecoveryCode
from services.auth.factors.credentials import Assertion
from services.auth.factors.passkeys import log_in_with_passkey
from services.auth.pages.forms import NextQuery, safe_next, see_other
from services.auth.pages.frame import Frame, Shown
from services.auth.refusals import SecondFactorRequired, UnknownToken, WrongCredentials
from services.auth.sessions.login import Credentials, LoggedIn, log_in, log_out
from services.auth.sessions.steps import LONGEST, log_in_by_ticket, ways_by_ticket, write_ticket
from services.auth.sessions.views import Login
from shared.errors import DomainError
from shared.http.intake import Form, read_form, read_query
from shared.http.routes import RequestModel


class LoginForm(Login):
    """The login form."""

    next: str = Field(default="", max_length=2000)


class StepForm(RequestModel):
    """The second factor, with the ticket that the password was right."""

    ticket: str = Field(min_length=1, max_length=LONGEST)
    otp: OneTimeCode | None = None
    recovery_code: RecoveryCode | None = None
    remember: bool = False
    next: str = Field(default="", max_length=2000)


class PasskeyForm(RequestModel):
    """What the page's script got from the browser, as JSON."""

    credential: str = Field(default="", max_length=20_000)
    remember: bool = False
    next: str = Field(default="", max_length=2000)


def login_pages(frame: Frame) -> list[web.RouteDef]:
    """For those who have an account."""
    return [
        frame.get("/login", _login),
        frame.post("/login", _log_in, back="/login"),
        frame.post("/login/step", _second_step, back="/login"),
        frame.post("/login/passkey", _log_in_with_passkey, back="/login"),
        frame.post("/logout", _log_out, back="/"),
    ]


def read_assertion(text: str) -> dict[str, Any]:
    """What `navigator.credentials.get()` gave.

    Raises:
        WrongCredentials: nothing, or not of that form.
    """
    try:
        return Assertion.model_validate(json.loads(text)).as_json()
    except (ValueError, RecursionError):
        raise WrongCredentials from None


def _page(values: dict[str, str]) -> Shown:
    values = values | {"next": safe_next(values.get("next", ""))}
    return Shown("login.html", "login", scripts=("passkeys.js",), values=values)


async def _step(frame: Frame, values: dict[str, str], ticket: str) -> Shown:
    """With the ways that the account has, and no other.

    Raises:
        UnknownToken: the ticket no longer counts.
    """
    remembered = "true" if values.get("remember") == "true" else ""
    values = {"next": safe_next(values.get("next", "")), "remember": remembered}
    ways = await ways_by_ticket(frame.deps, ticket)
    return Shown(
        "login_step.html",
        "login",
        "second_title",
        scripts=("passkeys.js",) if "passkey" in ways else (),
        values=values,
        more={"ticket": ticket, "ways": ways},
        instead={"wrong-credentials": "second_wrong", "second-factor-required": "second_missing"},
    )


async def _login(frame: Frame, request: web.Request) -> web.Response:
    return frame.show(request, _page({"next": read_query(request, NextQuery).next}))


async def _log_in(frame: Frame, request: web.Request) -> web.Response:
    form = await read_form(request)
    visit = visit_by(request, frame.deps.settings)
    try:
        posted = form.parse(LoginForm)
        credentials = Credentials(posted.email, posted.password, Given(posted.otp, posted.recovery_code))
        logged_in = await log_in(frame.deps, credentials, remember=posted.remember, visit=visit)
    except SecondFactorRequired:
        ticket = await write_ticket(frame.deps, credentials)
        return frame.show(request, await _step(frame, form.shown, ticket))
    except DomainError as refusal:
        return frame.again(request, _page(form.shown), refusal)
    return _welcome(frame, request, logged_in, posted.next)


async def _second_step(frame: Frame, request: web.Request) -> web.Response:
    form = await read_form(request)
    visit = visit_by(request, frame.deps.settings)
    ticket = form.values.get("ticket", "")[:LONGEST]
    try:
        posted = form.parse(StepForm)
        given = Given(posted.otp, posted.recovery_code)
        logged_in = await log_in_by_ticket(frame.deps, ticket, given, remember=posted.remember, visit=visit)
    except SecondFactorRequired:
        # Its fields say what could be given, and not what is wrong with what was.
        return await _step_again(frame, request, form, SecondFactorRequired())
    except DomainError as refusal:
        return await _step_again(frame, request, form, refusal)
    return _welcome(frame, request, logged_in, posted.next)


async def _step_again(frame: Frame, request: web.Request, form: Form, refusal: DomainError) -> web.Response:
    """The step once more; the login where its ticket no longer counts."""
    try:
        step = await _step(frame, form.shown, form.values.get("ticket", "")[:LONGEST])
    except UnknownToken as late:
        return frame.again(request, _page(form.shown), late, problem=frame.words(request)["login"]["second_late"])
    return frame.again(request, step, refusal)


async def _log_in_with_passkey(frame: Frame, request: web.Request) -> web.Response:
    form = await read_form(request)
    visit = visit_by(request, frame.deps.settings)
    try:
        posted = form.parse(PasskeyForm)
        credential = read_assertion(posted.credential)
        logged_in = await log_in_with_passkey(frame.deps, credential, remember=posted.remember, visit=visit)
    except WrongCredentials as refusal:
        page = _page({"next": form.shown.get("next", "")})
        return frame.again(request, page, refusal, problem=frame.words(request)["login"]["passkey_wrong"])
    return _welcome(frame, request, logged_in, posted.next)


def _welcome(frame: Frame, request: web.Request, logged_in: LoggedIn, wanted: str) -> web.Response:
    settings = frame.deps.settings
    return see_other(settings, safe_next(wanted), cookies_of(logged_in, presented_by(request, settings)))


async def _log_out(frame: Frame, request: web.Request) -> web.Response:
    await log_out(frame.deps, presented_by(request, frame.deps.settings))
    return see_other(frame.deps.settings, "/", LOGGED_OUT)
