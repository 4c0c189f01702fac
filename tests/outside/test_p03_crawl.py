"""P3 and P5 for a visitor: no cookie but those of the list, no foreign host, no script of somebody else."""

import re
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

import pytest

from deploy.outside.browser import Answer
from tests.outside.conftest import Target
from tests.outside.crawl import Page
from tests.recording import Tried

pytestmark = pytest.mark.together

BY_LAW = re.compile(r"https://europa\.eu/youreurope/[a-z]+")
"""The Union's own page about the legal guarantee: the harmonised notice that shops have to show names it (Implementing
Regulation (EU) 2025/1960, annex I). A person may follow it; nothing is loaded from there, and nobody told whence.
"""
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
            assert urlsplit(where).netloc in own or _is_by_law(page, where), f"{page.path} names {where}"


def _is_by_law(page: Page, where: str) -> bool:
    """Whether it is that one address, as a link and nothing else."""
    link = f'<a href="{where}" rel="noreferrer">'
    named = sum(each == where for each in page.targets())
    return BY_LAW.fullmatch(where) is not None and page.answer.text.count(link) == named


def test_an_address_that_the_law_names_is_a_link_and_nothing_else() -> None:
    where = "https://europa.eu/youreurope/guarantees"
    link = f'<a href="{where}" rel="noreferrer">more</a>'

    def page(text: str) -> Page:
        return Page("/", Answer(200, {}, {}, (), text))

    assert _is_by_law(page(link), where)
    assert not _is_by_law(page(link + f'<img src="{where}">'), where)
    assert not _is_by_law(page(f'<a href="{where}">more</a>'), where)
    for other in ("https://europa.eu.evil.example/youreurope/x", f"{where}?from=shop", "https://europa.eu/other"):
        assert not _is_by_law(page(f'<a href="{other}" rel="noreferrer">more</a>'), other)


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
