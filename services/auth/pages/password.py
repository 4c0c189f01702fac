"""Passwords: forgotten, chosen anew by the mailed link, changed."""

from aiohttp import web
from pydantic import Field

from services.auth.accounts.change import change_password
from services.auth.accounts.recovery import ask_reset, is_open, reset_password
from services.auth.accounts.rules import SHORTEST, SHORTEST_BESIDE_A_FACTOR
from services.auth.accounts.views import ForgottenPassword, PasswordChange, PasswordReset
from services.auth.browser import cookies_of, visit_by
from services.auth.pages.forms import LinkQuery, see_other
from services.auth.pages.frame import Frame, Shown
from services.auth.refusals import SpentToken, UnknownToken
from services.auth.sessions.devices import show_profile
from shared.errors import DomainError
from shared.http.context import who
from shared.http.intake import read_form, read_query

CHANGE = "/account/password"
_NO_USE = Shown("forgot.html", "reset", "failed_title")


class ChangeForm(PasswordChange):
    """The form; `username` is there for password managers."""

    username: str = Field(default="", max_length=300)


def password_pages(frame: Frame) -> list[web.RouteDef]:
    """For those who know their password, and those who do not."""
    return [
        frame.get("/password/forgot", _forgotten),
        frame.post("/password/forgot", _forgot, back="/password/forgot"),
        frame.get("/password/reset", _choosing),
        frame.post("/password/reset", _choose, back="/password/forgot"),
        frame.get(CHANGE, _changing),
        frame.post(CHANGE, _change, back=CHANGE),
        frame.get("/.well-known/change-password", _well_known),
    ]


async def _forgotten(frame: Frame, request: web.Request) -> web.Response:
    return frame.show(request, Shown("forgot.html", "forgot"))


async def _forgot(frame: Frame, request: web.Request) -> web.Response:
    form = await read_form(request)
    try:
        email = form.parse(ForgottenPassword).email
        language = frame.rendered.language_of(request)
        await ask_reset(frame.deps, email, language=language, visit=visit_by(request, frame.deps.settings))
    except DomainError as refusal:
        return frame.again(request, Shown("forgot.html", "forgot", values=form.shown), refusal)
    words = frame.words(request)
    own, link_text = words["forgot"], words["common"]["log_in"]
    told = frame.telling("forgot", "sent_title", own["sent"], own["nothing"], link="/login", link_text=link_text)
    return frame.show(request, told, 202)


def _reset(token: str) -> Shown:
    return Shown("reset.html", "reset", scripts=("strength.js",), more={"token": token})


async def _choosing(frame: Frame, request: web.Request) -> web.Response:
    """Changes nothing: mail scanners follow links."""
    token = read_query(request, LinkQuery).t
    if not await is_open(frame.deps, token):
        return frame.again(request, _NO_USE, UnknownToken())
    return frame.show(request, _reset(token))


async def _choose(frame: Frame, request: web.Request) -> web.Response:
    form = await read_form(request)
    try:
        posted = form.parse(PasswordReset)
        await reset_password(frame.deps, posted.token, posted.password)
    except (UnknownToken, SpentToken) as refusal:
        return frame.again(request, _NO_USE, refusal)
    except DomainError as refusal:
        return frame.again(request, _reset(form.values.get("token", "")[:200]), refusal)
    return see_other(frame.deps.settings, "/login?done=password-reset")


async def _page(frame: Frame, request: web.Request) -> Shown:
    profile = await show_profile(frame.deps, who(request))
    shortest = SHORTEST_BESIDE_A_FACTOR if profile.account.factors.any else SHORTEST
    return Shown(
        "password.html", "password", scripts=("strength.js",), more={"email": profile.contact.email},
        shortest=shortest, instead={"wrong-credentials": "wrong"},
    )  # fmt: skip


async def _changing(frame: Frame, request: web.Request) -> web.Response:
    return frame.show(request, await _page(frame, request))


async def _change(frame: Frame, request: web.Request) -> web.Response:
    settings = frame.deps.settings
    form = await read_form(request)
    visit = visit_by(request, settings)
    try:
        posted = form.parse(ChangeForm)
        logged_in = await change_password(
            frame.deps, who(request), current=posted.current_password, new=posted.new_password, visit=visit
        )
    except DomainError as refusal:
        return frame.again(request, await _page(frame, request), refusal)
    return see_other(settings, "/account?done=password-changed", cookies_of(logged_in, visit.presented))


async def _well_known(frame: Frame, _request: web.Request) -> web.Response:
    """Where password managers send people (W3C: A Well-Known URL for Changing Passwords)."""
    return see_other(frame.deps.settings, CHANGE)
