"""The three cookies there are. Their list is closed: nothing else is ever set."""

from dataclasses import dataclass
from typing import Literal, Protocol

from aiohttp import web

CookieKind = Literal["session", "prefs", "remember"]
KINDS: tuple[CookieKind, ...] = ("session", "prefs", "remember")
VALUE_LIMIT = 4096


class HasSiteName(Protocol):
    """Settings, as far as cookies care."""

    @property
    def site_name(self) -> str:
        """The site's name."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie to set: Secure, HttpOnly, SameSite=Lax, Path=/.

    Without `max_age_s` it ends with the browser. Only `remember` may outlive it; 0 deletes any.
    """

    name: CookieKind
    value: str
    max_age_s: int | None = None

    def __post_init__(self) -> None:
        if self.name not in KINDS:
            raise ValueError("no such cookie")
        if self.max_age_s and self.name != "remember":
            raise ValueError(f"the {self.name} cookie ends with the browser")

    @classmethod
    def deletion(cls, name: CookieKind) -> "Cookie":
        """Makes the browser forget it."""
        return cls(name, "", max_age_s=0)


def cookie_name(site_name: str, kind: CookieKind) -> str:
    """`__Host-` (RFC 6265bis section 4.1.3.2: Secure, Path=/, no Domain), then the site's name, then the kind."""
    return f"__Host-{site_name}-{kind}"


def read_cookie(request: web.BaseRequest, settings: HasSiteName, kind: CookieKind) -> str | None:
    """The value that the browser sent, at most 4 KiB; None where there is none."""
    value = request.cookies.get(cookie_name(settings.site_name, kind))
    return value if value and len(value) <= VALUE_LIMIT else None


def carries_cookies(request: web.BaseRequest, settings: HasSiteName) -> bool:
    """Whether the browser sent any cookie of ours."""
    return any(cookie_name(settings.site_name, kind) in request.cookies for kind in KINDS)


def set_cookies(response: web.StreamResponse, settings: HasSiteName, *cookies: Cookie) -> None:
    """Add `cookies` to a response."""
    for cookie in cookies:
        response.set_cookie(
            cookie_name(settings.site_name, cookie.name), cookie.value, path="/", secure=True, httponly=True,
            samesite="Lax", max_age=cookie.max_age_s,
        )  # fmt: skip
