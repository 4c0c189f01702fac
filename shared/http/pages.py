"""Server-rendered pages: Jinja2, escaped, no inline script or style, no other host.

A page works without script. Where one makes it better (a passkey cannot do without), the page names it.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from shared.formats import format_day, format_moment, format_money, format_rate, name_zone
from shared.http.context import identity_of, request_id_of
from shared.http.cookies import Cookie, set_cookies
from shared.http.intake import Form, parse_form, read_form
from shared.http.middleware import CSP, CSP_WITH_SCRIPT
from shared.http.preferences import LANGUAGE_NAMES, read_preferences
from shared.settings import BaseSettings

__all__ = ["Form", "Pages", "parse_form", "read_form", "redirect"]

_PLAIN = re.compile(r"/?[A-Za-z0-9_.~-]+(/[A-Za-z0-9_-]+)*", re.ASCII)
_DIGITS = re.compile(r"[0-9._~/-]{13,}", re.ASCII)
_BASE = Path(__file__).parent.parent / "pages"
WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {"shop": "Shop", "account": "Account", "privacy": "Privacy", "skip": "Skip to content", "menu": "Main menu",
           "newsletter": "Newsletter", "warranty": "Warranty", "language": "Language", "desk": "Desk",
           "reviews": "Reviews",
           "reference": "Reference for questions: {id}"},
    "ja": {"shop": "ショップ", "account": "アカウント", "privacy": "プライバシー", "skip": "本文へ",
           "menu": "メインメニュー",
           "newsletter": "ニュースレター", "warranty": "保証", "language": "言語", "desk": "窓口", "reviews": "審査",
           "reference": "お問い合わせ用の番号: {id}"},
    "de": {"shop": "Laden", "account": "Konto", "privacy": "Datenschutz", "skip": "Zum Inhalt", "menu": "Hauptmenü",
           "newsletter": "Newsletter", "warranty": "Garantie", "language": "Sprache", "desk": "Kundendienst",
           "reviews": "Prüfungen",
           "reference": "Für Rückfragen: {id}"},
}  # fmt: skip

_PROBLEMS: Mapping[str, Mapping[int, str]] = {
    "en": {401: "Please log in", 403: "This is not for you", 404: "There is nothing here",
           405: "That is not done here", 410: "This is over", 413: "That is too much", 429: "Too many tries",
           503: "Back in a moment", 0: "That did not work"},
    "ja": {401: "ログインしてください", 403: "この操作は許可されていません", 404: "ページが見つかりません",
           405: "この操作はできません", 410: "有効期限が切れています", 413: "送信内容が大きすぎます",
           429: "試行回数が多すぎます", 503: "しばらくお待ちください", 0: "処理できませんでした"},
    "de": {401: "Bitte melden Sie sich an", 403: "Das ist Ihnen nicht erlaubt", 404: "Hier ist nichts",
           405: "Das geht hier nicht", 410: "Das ist vorbei", 413: "Das ist zu viel", 429: "Zu viele Versuche",
           503: "Gleich wieder da", 0: "Das hat nicht geklappt"},
}  # fmt: skip


def problem_title(status: int, language: str) -> str:
    """What a status means to a person; English where the language is none of ours."""
    titles = _PROBLEMS.get(language, _PROBLEMS["en"])
    return titles.get(status, titles[0])


class Pages:
    """The templates of one service.

    Args:
        settings: whose shop it is.
        package: templates are looked up in `<package>/templates`, then in `shared/pages`.
        languages: those that the templates are written in; a visitor with another one gets the first.
    """

    def __init__(self, settings: BaseSettings, package: str = "", *, languages: Sequence[str] = ("en",)) -> None:
        self._settings = settings
        self._languages = tuple(languages)
        self._environment = _environment(package)

    def language_of(self, request: web.Request) -> str:
        """The language in which a visitor gets the pages."""
        language = read_preferences(request, self._settings).language
        return language if language in self._languages else self._languages[0]

    def render(
        self, request: web.Request, name: str, /, status: int = 200, *, scripts: Sequence[str] = (), **context: Any
    ) -> web.Response:
        """A page. `name.<language>.html` is taken before `name.html` where it exists.

        `scripts` are names of files under `/assets/`; only a page that has some may run any.

        Beside `context`, a template knows: shop_name, shop_contact, public_url, time_zone, zone (its name, to be read),
        language, other_languages (pairs of code and name), currency, identity, path, here (where this page is shown
        again, or ""), csp, scripts, request_id, words; filters `money(currency)` (of minor units), `percent` (of basis
        points), `day` and `moment` (day and time in `time_zone`).
        """
        language = self.language_of(request)
        stem = name.removesuffix(".html")
        template = self._environment.select_template([f"{stem}.{language}.html", name])
        policy = CSP_WITH_SCRIPT if scripts else CSP
        values = {
            "shop_name": self._settings.shop_name,
            "shop_contact": self._settings.shop_contact,
            "public_url": self._settings.public_url,
            "time_zone": self._settings.time_zone,
            "zone": name_zone(self._settings.time_zone, language),
            "language": language,
            "currency": read_preferences(request, self._settings).currency,
            "identity": identity_of(request),
            "path": request.path,
            "here": _here(request),
            "other_languages": [pair for pair in LANGUAGE_NAMES if pair[0] in self._languages and pair[0] != language],
            "csp": policy,
            "scripts": scripts,
            "request_id": request_id_of(request),
            "words": WORDS.get(language, WORDS["en"]),
        }
        text = template.render(values | context)
        return web.Response(
            status=status, text=text, content_type="text/html", charset="utf-8",
            headers={
                "Content-Language": language, "Vary": "Cookie, Accept-Language", "Content-Security-Policy": policy,
            },
        )  # fmt: skip


def _here(request: web.Request) -> str:
    """Where this page is shown again after another was; "" for what a form was answered with, which no GET shows.

    Of the query only what is plain stays, and not what was just done.
    """
    if request.method != "GET":
        return ""
    kept = {name: text for name, text in request.query.items() if name != "done" and _is_plain(name, text)}
    return str(request.rel_url.with_query(kept))


def _is_plain(*texts: str) -> bool:
    """Whether each holds signs of names and tokens alone, and none could be a card number."""
    return all(_PLAIN.fullmatch(text) and not _DIGITS.fullmatch(text) for text in texts)


def redirect(location: str, settings: BaseSettings | None = None, *cookies: Cookie) -> web.Response:
    """303 See Other: after a form was posted, the browser gets `location`. `settings` name the cookies, if any."""
    response = web.Response(status=303, headers={"Location": location})
    if settings is not None:
        set_cookies(response, settings, *cookies)
    return response


@lru_cache(maxsize=8)
def _environment(package: str) -> jinja2.Environment:
    places = [_templates_of(package)] if package else []
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*places, _BASE]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["money"] = _money
    environment.filters["percent"] = _percent
    environment.filters["day"] = _day
    environment.filters["moment"] = _moment
    return environment


def _templates_of(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"{package} is not a package")
    return Path(next(iter(spec.submodule_search_locations))) / "templates"


@jinja2.pass_context
def _money(context: jinja2.runtime.Context, minor: int, currency: str) -> str:
    return format_money(minor, currency, context["language"])


@jinja2.pass_context
def _percent(context: jinja2.runtime.Context, basis_points: int) -> str:
    return format_rate(basis_points, context["language"])


@jinja2.pass_context
def _day(context: jinja2.runtime.Context, moment: date | datetime) -> str:
    return format_day(moment, context["language"], context["time_zone"])


@jinja2.pass_context
def _moment(context: jinja2.runtime.Context, moment: datetime) -> str:
    return format_moment(moment, context["language"], context["time_zone"])
