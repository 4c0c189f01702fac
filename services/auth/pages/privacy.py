"""The privacy and security page: what we promise, with the figures that the shop keeps to."""

from functools import partial

from aiohttp import web

from services.auth.config import Settings
from services.auth.deps import Deps
from services.auth.sessions.remembered import LASTS
from shared.http.cookies import cookie_name
from shared.http.pages import Pages

_WITH_BROWSER = "until you close the browser"
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_NEWSLETTERS = 1
_NEWSLETTERS_BEFORE_CHRISTMAS = 3


def privacy_pages(deps: Deps, rendered: Pages) -> list[web.RouteDef]:
    """For everybody."""
    return [web.get("/privacy", partial(_privacy, deps, rendered))]


async def _privacy(deps: Deps, rendered: Pages, request: web.Request) -> web.Response:
    return rendered.render(
        request,
        "privacy.html",
        site_name=deps.settings.site_name,
        cookie_names=_cookies(deps.settings),
        cap_rows=[(month, _cap(month)) for month in _MONTHS],
    )


def _cookies(settings: Settings) -> list[tuple[str, str, str]]:
    """Name, purpose and life of each cookie there is."""
    site = settings.site_name
    return [
        (cookie_name(site, "session"), "a random value that says which visit this is", _WITH_BROWSER),
        (cookie_name(site, "prefs"), "your language and currency", _WITH_BROWSER),
        (
            cookie_name(site, "remember"),
            "logs this browser in again; encrypted, and only if you ticked the box when you logged in",
            f"{LASTS.days} days after your last visit, or until you log out",
        ),
    ]


def _cap(month: str) -> int:
    return _NEWSLETTERS_BEFORE_CHRISTMAS if month in ("November", "December") else _NEWSLETTERS
