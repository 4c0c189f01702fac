"""What the pages share: refusals shown beside the fields, and where to go next."""

import re
from collections.abc import Iterable

from aiohttp import web

from services.auth.config import Settings
from shared.errors import DomainError
from shared.http.cookies import Cookie, set_cookies

HOME = "/account"
_LONGEST = 200
# A closed list: nothing that a browser could read as another host or another scheme, not even by a later rewrite.
_LOCAL = re.compile(
    r"/|/(account|orders|checkout|products|warranty|newsletter|desk)(/[A-Za-z0-9][A-Za-z0-9_-]*)*", re.ASCII
)


def safe_next(wanted: str) -> str:
    """A page of ours to go to after logging in; the account page where it is none."""
    return wanted if len(wanted) <= _LONGEST and _LOCAL.fullmatch(wanted) else HOME


def errors_of(refusal: DomainError) -> dict[str, str]:
    """What is wrong, by the field's name; a refusal of the whole has none."""
    return {field.pointer.removeprefix("/"): field.detail for field in refusal.fields}


def see_other(settings: Settings, place: str, cookies: Iterable[Cookie] = ()) -> web.Response:
    """After a form: show another page by GET (RFC 9110 section 15.4.4)."""
    response = web.Response(status=303, headers={"Location": place})
    set_cookies(response, settings, *cookies)
    return response
