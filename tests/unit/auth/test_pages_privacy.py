"""/privacy: every promise of the register, in the visitor's language, with this shop's settings."""

import re
from collections.abc import AsyncIterator
from html import unescape
from html.parser import HTMLParser

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.auth.app import build_app
from shared.http.preferences import LANGUAGES
from shared.promises import outline, register
from tests.unit.auth.doubles import Browser, World, some_settings
from tests.unit.auth.pages import get

SHOP = {"shop_name": "Watches & <Sons>", "shop_contact": "watches@shop.example", "newsletter_cap": "2,5:7"}


class Tags(HTMLParser):
    """The tags and the visible words of a page; complains about tags that do not close."""

    EMPTY = frozenset({"meta", "link", "input", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += " " + data


@pytest.fixture
async def shop() -> AsyncIterator[Browser]:
    world = World(some_settings(**SHOP))
    async with TestClient(TestServer(build_app(world.deps))) as client:
        yield Browser(client, world.settings)
    world.deps.hashes.close()


async def page_of(shop: Browser, language: str = "en") -> Tags:
    status, text = await get(shop, "/privacy", **{"Accept-Language": language})
    assert status == 200
    return Tags(text)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_promise_is_told_in_each_language(shop: Browser, language: str) -> None:
    page = await page_of(shop, language)

    ids = [attrs["id"] for tag, attrs in page.tags if tag == "p" and "id" in attrs]
    assert sorted(ids) == sorted(each.lower() for each in register())
    for promise in register().values():
        for text in promise.page[language]:
            for piece in re.split(r"{\w+}", text):
                assert piece.strip() in page.words


async def test_the_caps_are_those_of_the_settings(shop: Browser) -> None:
    page = await page_of(shop)

    words = re.sub(r"\s+", " ", page.words)
    assert "January 2 February 2 March 2 April 2 May 7 June 2" in words


async def test_the_shop_is_named_and_can_be_asked(shop: Browser) -> None:
    page = await page_of(shop)

    assert "Watches & <Sons>" in page.words
    assert ("a", {"href": "mailto:watches@shop.example"}) in page.tags
    assert ("a", {"href": "/account"}) in page.tags
    assert "sons" not in [tag for tag, _ in page.tags]


async def test_every_cookie_is_listed_with_its_purpose_and_life(shop: Browser) -> None:
    page = await page_of(shop)

    for kind, life in (("session", "until you close the browser"), ("remember", "60 days after your last visit")):
        assert shop.name(kind) in page.words
        assert life in page.words


async def test_each_section_has_its_heading(shop: Browser) -> None:
    page = await page_of(shop)

    headings = [attrs["id"] for tag, attrs in page.tags if tag == "h2"]
    assert headings == [section.id for section in outline().sections]
    assert [attrs["aria-labelledby"] for tag, attrs in page.tags if tag == "section"] == headings


async def test_it_needs_no_script_no_inline_style_and_no_other_host(shop: Browser) -> None:
    page = await page_of(shop)

    assert not any(tag in ("script", "style", "img", "iframe") for tag, _ in page.tags)
    assert not any(name == "style" or name.startswith("on") for _, attrs in page.tags for name in attrs)
    links = [value or "" for _, attrs in page.tags for name, value in attrs.items() if name in ("href", "src")]
    assert all(re.match(r"/(?!/)|#|data:,$|mailto:", unescape(link)) for link in links)
