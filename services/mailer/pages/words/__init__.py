"""The words of the marketing desk: a file for each language, with the same sections and keys in each."""

import tomllib
from functools import cache
from pathlib import Path

from shared.http.explain import Words

LANGUAGES = ("en", "de", "ja")


@cache
def words_of(language: str) -> Words:
    """The words of one of the shop's languages: `words["forecast"]["now"]`."""
    return tomllib.loads((Path(__file__).parent / f"{language}.toml").read_text("utf-8"))
