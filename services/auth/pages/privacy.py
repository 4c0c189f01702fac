"""The privacy and security page: what we promise, with the figures that the shop keeps to."""

from aiohttp import web
from babel.dates import get_month_names

from services.auth.config import Settings
from services.auth.pages.frame import Frame
from services.auth.pages.words import Words
from services.auth.sessions.remembered import LASTS
from shared.http.cookies import KINDS, cookie_name

_NEWSLETTERS = 1
_NEWSLETTERS_BEFORE_CHRISTMAS = 3
_BEFORE_CHRISTMAS = (11, 12)


def privacy_pages(frame: Frame) -> list[web.RouteDef]:
    """For everybody."""
    return [frame.get("/privacy", _privacy)]


async def _privacy(frame: Frame, request: web.Request) -> web.Response:
    settings = frame.deps.settings
    # Not "stand-alone": once Babel 2.18 has resolved that for one language, it gives the same for others.
    months = get_month_names("wide", context="format", locale=frame.rendered.language_of(request))
    return frame.rendered.render(
        request,
        "privacy.html",
        site_name=settings.site_name,
        cookie_names=_cookies(settings, frame.words(request)),
        cap_rows=[(months[month], _cap(month)) for month in range(1, 13)],
    )


def _cookies(settings: Settings, words: Words) -> list[tuple[str, str, str]]:
    """Name, purpose and life of each cookie there is."""
    own = words["cookies"]
    lasts = {"remember": own["remember_lasts"].format(days=LASTS.days)}
    return [(cookie_name(settings.site_name, kind), own[kind], lasts.get(kind, own["with_browser"])) for kind in KINDS]


def _cap(month: int) -> int:
    return _NEWSLETTERS_BEFORE_CHRISTMAS if month in _BEFORE_CHRISTMAS else _NEWSLETTERS
