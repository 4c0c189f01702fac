"""What forms of the pages have in common: where to go next, and the answer after one was taken."""

import re
from collections.abc import Iterable

from aiohttp import web
from pydantic import Field

from services.auth.config import Settings
from shared.http.cookies import Cookie, set_cookies
from shared.http.routes import RequestModel

HOME = "/account"
_LONGEST = 1000
# A closed list: nothing that a browser could read as another host or another scheme, not even by a later rewrite. The
# query is that of a cart: names and values of plain signs.
_LOCAL = re.compile(
    r"/|/(account|orders|cart|checkout|products|warranty|newsletter|desk)(/[A-Za-z0-9][A-Za-z0-9_-]*)*"
    r"(\?[A-Za-z0-9_.-]+=[A-Za-z0-9_.-]*(&[A-Za-z0-9_.-]+=[A-Za-z0-9_.-]*)*)?",
    re.ASCII,
)


# Where somebody was, to whom the same page is shown in another language: of this host, by its first two characters.
_HERE = re.compile(r"/([A-Za-z0-9][A-Za-z0-9_.~/-]*)?(\?[A-Za-z0-9_.~%=&/-]*)?", re.ASCII)


class LinkQuery(RequestModel):
    """The mailed link."""

    t: str = Field(default="", max_length=200)


class NextQuery(RequestModel):
    """Where to go afterwards; anything that is not a page of ours is ignored. `done`: what was done before."""

    next: str = Field(default="", max_length=2000)
    done: str = Field(default="", max_length=100)


class TokenForm(RequestModel):
    """The mailed link's token, by the button of its page."""

    token: str = Field(min_length=1, max_length=200)


def safe_next(wanted: str) -> str:
    """A page of ours to go to after logging in; the account page where it is none."""
    return wanted if len(wanted) <= _LONGEST and _LOCAL.fullmatch(wanted) else HOME


def safe_here(wanted: str) -> str:
    """A page of this host to show again; the shop's first where it is none."""
    return wanted if _HERE.fullmatch(wanted) else "/"


def see_other(settings: Settings, place: str, cookies: Iterable[Cookie] = ()) -> web.Response:
    """After a form: show another page by GET (RFC 9110 section 15.4.4)."""
    response = web.Response(status=303, headers={"Location": place})
    set_cookies(response, settings, *cookies)
    return response
