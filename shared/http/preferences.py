"""Language and currency of a visitor: from a cookie with a closed list of values, else from the browser's languages."""

from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from shared.http.cookies import Cookie, HasSiteName, read_cookie

LANGUAGES: tuple[str, ...] = ("en", "ja", "de")
LANGUAGE_NAMES: tuple[tuple[str, str], ...] = (("en", "English"), ("ja", "日本語"), ("de", "Deutsch"))
CURRENCIES: tuple[str, ...] = ("JPY", "USD", "EUR", "GBP")


@dataclass(frozen=True, slots=True)
class Preferences:
    """One language and one currency of the lists above."""

    language: str = "en"
    currency: str = "JPY"

    def cookie(self) -> Cookie:
        """The cookie that says so, such as `en.JPY`; says nothing about the person."""
        return Cookie("prefs", f"{self.language}.{self.currency}")


def read_preferences(request: web.BaseRequest, settings: HasSiteName) -> Preferences:
    """What the visitor chose; where that is missing or not on the lists, Accept-Language and yen."""
    language, _, currency = (read_cookie(request, settings, "prefs") or "").partition(".")
    if language in LANGUAGES and currency in CURRENCIES:
        return Preferences(language, currency)
    return Preferences(_accepted_language(request.headers.get("Accept-Language", "")))


def _accepted_language(header: str) -> str:
    """The best of ours. RFC 9110 section 12.5.4; "de-AT" is met by "de"."""
    ranked = sorted(_ranges(header[:500]), key=lambda entry: -entry[1])
    return next((language for language, weight in ranked if language in LANGUAGES and weight > 0), LANGUAGES[0])


def _ranges(header: str) -> Iterator[tuple[str, float]]:
    for part in header.split(","):
        tag, _, weight = part.partition(";")
        yield tag.strip().partition("-")[0].lower(), _weight(weight.strip())


def _weight(text: str) -> float:
    if not text:
        return 1.0
    try:
        weight = float(text.removeprefix("q="))
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
