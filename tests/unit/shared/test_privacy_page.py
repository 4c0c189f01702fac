import re
from html.parser import HTMLParser
from typing import Any

import jinja2
import pytest

from shared.http.pages import WORDS

CONTEXT: dict[str, Any] = {
    "language": "en",
    "words": WORDS["en"],
    "shop_name": "Watches & <Sons>",
    "shop_contact": "watches@shop.example",
    "site_name": "www.shop.example",
    "cookie_names": [
        ("__Host-www.shop.example-session", "which visit this is", "until you close the browser"),
        ("__Host-www.shop.example-remember", "logs this browser in again", "30 days"),
    ],
    "cap_rows": [("October", 1), ("November", 3), ("December", 3)],
}


class Page(HTMLParser):
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
def page() -> Page:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("shared", "pages"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return Page(environment.get_template("privacy.html").render(CONTEXT))


def test_every_cookie_is_listed_with_its_purpose_and_life(page: Page) -> None:
    for row in CONTEXT["cookie_names"]:
        assert all(part in page.words for part in row)


def test_the_caps_are_those_that_were_given(page: Page) -> None:
    words = re.sub(r"\s+", " ", page.words)

    assert "October 1 November 3 December 3" in words


def test_the_shop_is_named_and_can_be_asked(page: Page) -> None:
    assert "Watches & <Sons>" in page.words
    assert ("a", {"href": "mailto:watches@shop.example"}) in page.tags


def test_each_subject_has_its_heading(page: Page) -> None:
    headings = {attrs["id"] for tag, attrs in page.tags if tag == "h2"}

    assert headings == {"connection", "cookies", "data", "card", "newsletter", "warranty", "questions"}
    assert {attrs["aria-labelledby"] for tag, attrs in page.tags if tag == "section"} == headings
    assert "sons" not in [tag for tag, _ in page.tags]


def test_it_needs_no_script_no_inline_style_and_no_other_host(page: Page) -> None:
    assert not any(tag in ("script", "style", "img", "iframe") for tag, _ in page.tags)
    assert not any(name == "style" or name.startswith("on") for _, attrs in page.tags for name in attrs)
    links = [value or "" for _, attrs in page.tags for name, value in attrs.items() if name in ("href", "src")]
    assert all(re.match(r"/(?!/)|#|data:,$|mailto:", link) for link in links)
