"""docs/accounts.md names tests that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs" / "accounts.md").read_text("utf-8"))))


def test_the_page_names_tests() -> None:
    assert len(NAMED) > 20


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_each_of_them_is_there(file: str, name: str) -> None:
    text = (ROOT / file).read_text("utf-8")

    assert f"def {name}(" in text if name else re.search(r"^\s*(async )?def test_", text, re.MULTILINE)
