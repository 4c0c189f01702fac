"""Where somebody is logged in, and ending that."""

from functools import partial

from aiohttp import web
from pydantic import Field

from services.auth.pages.explain import device_text
from services.auth.pages.forms import see_other
from services.auth.pages.frame import Frame, Shown
from services.auth.sessions import devices
from services.auth.sessions.browsers import forget_one_browser, list_browsers, public_id
from services.auth.sessions.views import device_view
from shared.http.context import who
from shared.http.cookies import Cookie
from shared.http.intake import parse_form
from shared.http.routes import RequestModel

_HERE = "/account/devices"


class DeviceForm(RequestModel):
    """Which session to end, or which browser to forget."""

    id: str = Field(min_length=1, max_length=100)


def device_pages(frame: Frame) -> list[web.RouteDef]:
    """The list; each form goes back to it."""
    return [
        frame.get(_HERE, _list),
        frame.post(f"{_HERE}/end", _end, back=_HERE),
        frame.post(f"{_HERE}/others", _end_others, back=_HERE),
        frame.post(f"{_HERE}/forget", _forget, back=_HERE),
        frame.post(f"{_HERE}/forget-one", _forget_one, back=_HERE),
    ]


async def _list(frame: Frame, request: web.Request) -> web.Response:
    identity = who(request)
    profile = await devices.show_profile(frame.deps, identity)
    sessions = await devices.list_sessions(frame.deps, identity)
    more = {
        "sessions": [device_view(session, current=identity.session) for session in sessions],
        "named": partial(device_text, frame.words(request)),
        "remembered": profile.session.remembered,
        "browsers": [
            {"id": public_id(each), "browser": each, "current": each.id == profile.session.series}
            for each in await list_browsers(frame.deps, identity)
        ],
    }
    return frame.show(request, Shown("devices.html", "devices", more=more))


async def _end(frame: Frame, request: web.Request) -> web.Response:
    posted = await parse_form(request, DeviceForm)
    await devices.end_one_session(frame.deps, who(request), posted.id)
    return see_other(frame.deps.settings, f"{_HERE}?done=ended")


async def _end_others(frame: Frame, request: web.Request) -> web.Response:
    await devices.log_out_elsewhere(frame.deps, who(request))
    return see_other(frame.deps.settings, f"{_HERE}?done=others-ended")


async def _forget(frame: Frame, request: web.Request) -> web.Response:
    await devices.forget_browsers(frame.deps, who(request))
    return see_other(frame.deps.settings, f"{_HERE}?done=forgotten", [Cookie.deletion("remember")])


async def _forget_one(frame: Frame, request: web.Request) -> web.Response:
    posted = await parse_form(request, DeviceForm)
    await forget_one_browser(frame.deps, who(request), posted.id)
    return see_other(frame.deps.settings, f"{_HERE}?done=forgotten-one")
