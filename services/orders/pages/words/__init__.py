"""The words of the shop's pages: a file for each subject and language; those of one subject have the same keys."""

import tomllib
from functools import cache
from pathlib import Path

from shared.http.explain import Words

SUBJECTS = (
    "common", "shop", "tax", "checkout", "order", "mine", "addresses", "find", "eu", "desk", "desk_home", "review",
    "statuses", "done", "refusals", "refusal_titles", "faults",
)  # fmt: skip


@cache
def words_of(language: str) -> Words:
    """The words of one of the shop's languages, by subject and key: `words["shop"]["watches"]`."""
    here = Path(__file__).parent
    return {subject: tomllib.loads((here / f"{subject}.{language}.toml").read_text("utf-8")) for subject in SUBJECTS}
