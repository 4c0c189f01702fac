"""The gateway's own error pages: it knows no cookie, so each speaks the shop's three languages."""

import re
from pathlib import Path

import pytest

PAGES = sorted(Path("deploy/gateway/errors").glob("*.html"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_an_error_page_speaks_each_language_of_the_shop(page: Path) -> None:
    text = page.read_text("utf-8")

    assert '<html lang="en">' in text
    assert re.search(r'<p lang="ja">[^<]*[ぁ-ん]', text)
    assert re.search(r'<p lang="de">[^<]{20,}', text)
    assert 'href="/"' in text


def test_there_are_error_pages() -> None:
    assert {page.stem for page in PAGES} >= {"400", "404", "405", "413", "415", "429", "503"}
