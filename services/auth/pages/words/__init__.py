"""The words of auth's pages: one file for each language, all with the same keys."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

Words = Mapping[str, Any]
"""Sentences by section and key, such as `words["login"]["title"]`."""


@cache
def words_of(language: str) -> Words:
    """The words of one of the shop's languages."""
    return tomllib.loads((Path(__file__).parent / f"{language}.toml").read_text("utf-8"))
