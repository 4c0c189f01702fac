"""Auth's pages: server-rendered forms that work without script; passkeys alone need one."""

from aiohttp import web

from services.auth.deps import Deps
from services.auth.pages.account import account_pages
from services.auth.pages.activity import activity_pages
from services.auth.pages.confirm import confirm_pages
from services.auth.pages.devices import device_pages
from services.auth.pages.factors import factor_pages
from services.auth.pages.frame import Frame
from services.auth.pages.login import login_pages
from services.auth.pages.mydata import my_data_pages
from services.auth.pages.password import password_pages
from services.auth.pages.privacy import privacy_pages
from services.auth.pages.registration import registration_pages
from shared.http.pages import Pages
from shared.http.preferences import LANGUAGES


def pages(deps: Deps) -> list[web.RouteDef]:
    """All of them."""
    frame = Frame(deps, Pages(deps.settings, package="services.auth", languages=LANGUAGES))
    subjects = (
        registration_pages, login_pages, confirm_pages, password_pages, account_pages, device_pages, factor_pages,
        activity_pages, my_data_pages,
        privacy_pages,
    )  # fmt: skip
    return [route for subject in subjects for route in subject(frame)]
