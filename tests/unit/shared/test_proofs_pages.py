"""The pages under docs/ that tell what proves what name tests, and every page names only tests that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = ("accounts", "mailer", "orders", "proof", "warranty")
DOCS = sorted(page.stem for page in (ROOT / "docs").glob("*.md"))


def named(page: str) -> list[tuple[str, str]]:
    """File and test, or "" for all of a file, as the page names them."""
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    return sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)))


@pytest.mark.parametrize("page", PAGES)
def test_the_page_names_tests(page: str) -> None:
    assert len(named(page)) > 15


@pytest.mark.parametrize(("file", "name"), sorted({each for page in DOCS for each in named(page)}))
def test_each_of_them_is_there(file: str, name: str) -> None:
    text = (ROOT / file).read_text("utf-8")

    assert (
        f"def {name}(" in text
        if name
        else re.search(r"^\s*(async )?def test_|Suite|^Test\w+ = \w+\.TestCase$", text, re.MULTILINE)
    )
