"""The privacy and security page: what we promise, with the figures that the shop keeps to.

Its sentences are those of the register (`shared.promises`), so that each stands beside what keeps and proves it.
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from babel.dates import get_month_names
from markupsafe import Markup, escape

from services.auth.config import Settings
from services.auth.pages.frame import Frame
from services.auth.sessions.remembered import LASTS
from shared.caps import CapTable
from shared.http.cookies import KINDS, cookie_name
from shared.http.explain import Words
from shared.promises import Promise, Section, Texts, outline, register


def privacy_pages(frame: Frame) -> list[web.RouteDef]:
    """For everybody."""
    return [frame.get("/privacy", _privacy)]


async def _privacy(frame: Frame, request: web.Request) -> web.Response:
    settings = frame.deps.settings
    language = frame.rendered.language_of(request)
    page = outline()
    fill = _Filled(settings, language)
    return frame.rendered.render(
        request,
        "privacy.html",
        title=page.title[language],
        lead=fill.text(page.lead[language]),
        sections=[fill.section(each) for each in page.sections],
        tables={
            "cookies": (page.tables["cookies"][language], _cookies(settings, frame.words(request))),
            "caps": (page.tables["caps"][language], _caps(settings, language)),
        },
    )


class _Filled:
    """The page's texts with the shop's settings in their places; all that was not ours to write is escaped."""

    def __init__(self, settings: Settings, language: str) -> None:
        self._language = language
        contact = escape(settings.shop_contact)
        self._values = {
            "shop": escape(settings.shop_name),
            "site": Markup("<strong>{}</strong>").format(settings.site_name),
            "contact": Markup('<a href="mailto:{0}">{0}</a>').format(contact),
            "https": Markup("<code>https://</code>"),
        }

    def section(self, section: Section) -> Mapping[str, Any]:
        """A section with its promises."""
        return {
            "id": section.id,
            "title": section.title[self._language],
            "lead": self.text(section.lead[self._language]) if section.lead else "",
            "table": section.table,
            "promises": [self._promise(register()[each]) for each in section.promises],
        }

    def _promise(self, promise: Promise) -> Mapping[str, Any]:
        paragraphs = [self.text(each, account=promise.account) for each in promise.page[self._language]]
        return {"id": promise.id.lower(), "paragraphs": paragraphs, "table": promise.table}

    def text(self, text: str, *, account: Texts | None = None) -> Markup:
        """One paragraph."""
        named = account[self._language] if account else ""
        link = Markup('<a href="/account">{}</a>').format(named)
        return escape(text).format(**self._values, account=link)


def _cookies(settings: Settings, words: Words) -> list[tuple[str, str, str]]:
    """Name, purpose and life of each cookie there is."""
    own = words["cookies"]
    lasts = {"remember": own["remember_lasts"].format(days=LASTS.days)}
    return [(cookie_name(settings.site_name, kind), own[kind], lasts.get(kind, own["with_browser"])) for kind in KINDS]


def _caps(settings: Settings, language: str) -> list[tuple[str, int]]:
    """Each month of the year and how many newsletters it may bring."""
    # Not "stand-alone": once Babel 2.18 has resolved that for one language, it gives the same for others.
    months = get_month_names("wide", context="format", locale=language)
    table = CapTable.parse(settings.newsletter_cap)
    return [(months[month], table.of(month)) for month in range(1, 13)]
