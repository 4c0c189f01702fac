"""The account page: who you are here, where you are logged in, language and currency."""

from functools import partial

from aiohttp import web
from pydantic import Field

from services.auth.deps import Deps
from services.auth.pages.forms import HOME, see_other
from services.auth.refusals import NoSession
from services.auth.sessions import devices
from services.auth.sessions.views import PreferenceChoice, device_view
from shared.http.context import identity_of, who
from shared.http.cookies import Cookie
from shared.http.pages import Pages, parse_form
from shared.http.preferences import CURRENCIES, Preferences, read_preferences
from shared.http.routes import RequestModel

LANGUAGE_NAMES = (("en", "English"), ("ja", "日本語"), ("de", "Deutsch"))


class DeviceForm(RequestModel):
    """Which session to end."""

    id: str = Field(min_length=1, max_length=100)


def account_pages(deps: Deps, rendered: Pages) -> list[web.RouteDef]:
    """Pages for those who are logged in; each form goes back to the account page."""
    return [
        web.get(HOME, partial(_account, deps, rendered)),
        web.post(f"{HOME}/sessions/end", partial(_end_session, deps)),
        web.post(f"{HOME}/elsewhere", partial(_log_out_elsewhere, deps)),
        web.post(f"{HOME}/remember", partial(_forget_browsers, deps)),
        web.post(f"{HOME}/preferences", partial(_prefer, deps)),
        web.get("/.well-known/change-password", partial(_change_password, deps)),
    ]


async def _account(deps: Deps, rendered: Pages, request: web.Request) -> web.Response:
    identity = identity_of(request)
    if identity is None:
        return see_other(deps.settings, f"/login?next={HOME}")
    try:
        profile = await devices.show_profile(deps, identity)
    except NoSession:
        return see_other(deps.settings, f"/login?next={HOME}")
    sessions = await devices.list_sessions(deps, identity)
    return rendered.render(
        request,
        "account.html",
        contact=profile.contact,
        remembered=profile.session.remembered,
        devices=[device_view(session, current=identity.session) for session in sessions],
        languages=LANGUAGE_NAMES,
        currencies=CURRENCIES,
        chosen_language=read_preferences(request, deps.settings).language,
    )


async def _end_session(deps: Deps, request: web.Request) -> web.Response:
    posted = await parse_form(request, DeviceForm)
    await devices.end_one_session(deps, who(request), posted.id)
    return see_other(deps.settings, HOME)


async def _log_out_elsewhere(deps: Deps, request: web.Request) -> web.Response:
    await devices.log_out_elsewhere(deps, who(request))
    return see_other(deps.settings, HOME)


async def _forget_browsers(deps: Deps, request: web.Request) -> web.Response:
    await devices.forget_browsers(deps, who(request))
    return see_other(deps.settings, HOME, [Cookie.deletion("remember")])


async def _prefer(deps: Deps, request: web.Request) -> web.Response:
    posted = await parse_form(request, PreferenceChoice)
    return see_other(deps.settings, HOME, [Preferences(posted.language, posted.currency).cookie()])


async def _change_password(deps: Deps, _request: web.Request) -> web.Response:
    """Where password managers send people (RFC 8615)."""
    return see_other(deps.settings, HOME)
