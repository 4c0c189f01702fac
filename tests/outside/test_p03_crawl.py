"""P3 and P5 for a visitor: no cookie but those of the list, no foreign host, no script of somebody else."""

import re
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from tests.outside.conftest import Target
from tests.outside.crawl import Page
from tests.recording import Tried

NAME = re.compile(r"__Host-[a-z0-9.-]+-(session|prefs|remember)")


async def test_a_visitor_gets_no_cookie_that_is_not_on_the_list(pages: list[Page], tried: Tried) -> None:
    for page in pages:
        tried(1)
        for line in page.answer.cookies:
            [(name, morsel)] = SimpleCookie(line).items()
            assert NAME.fullmatch(name), f"{page.path} sets {name}"
            assert all((morsel["secure"], morsel["httponly"], morsel["samesite"].lower() == "lax")), page.path
            assert morsel["max-age"] in ("", "0"), f"{page.path}: {name} outlives the browser"
            assert not morsel["expires"], f"{page.path}: {name} outlives the browser"


async def test_no_page_names_a_foreign_host(target: Target, pages: list[Page], tried: Tried) -> None:
    own = {"shop.invalid", urlsplit(target.url).netloc, ""}

    assert len(pages) > 30
    for page in pages:
        for where in page.targets():
            tried(1)
            assert urlsplit(where).netloc in own, f"{page.path} names {where}"


async def test_no_page_may_load_anything_from_elsewhere(pages: list[Page], tried: Tried) -> None:
    for page in (page for page in pages if page.is_html):
        tried(1)
        policy = page.answer.headers["Content-Security-Policy"]
        sources = [word for part in policy.split(";") for word in part.split()[1:]]
        assert policy.startswith("default-src 'none'"), page.path
        assert all(word in ("'none'", "'self'", "data:") for word in sources), f"{page.path}: {policy}"


async def test_no_page_is_an_error_of_ours(pages: list[Page], tried: Tried) -> None:
    tried(len(pages))

    assert [(page.path, page.answer.status) for page in pages if page.answer.status >= 500] == []
