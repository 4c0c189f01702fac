"""What a refusal means, in the visitor's language: by its code, never by its English sentence."""

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from shared.errors import DomainError

Words = Mapping[str, Any]
"""A service's sentences by section and key; those of `refusals` and `faults` by code, each with an "other"."""
_A_MINUTE_S = 60


def words_in(folder: Path) -> Callable[[str], Words]:
    """Reads the words of a language, `<folder>/<language>.toml`, each once."""

    @cache
    def words_of(language: str) -> Words:
        return tomllib.loads((folder / f"{language}.toml").read_text("utf-8"))

    return words_of


def sentence_of(words: Words, refusal: DomainError, instead: Mapping[str, str] = {}) -> str:
    """The refusal as a whole; `instead` has, by code, what says it better on this page."""
    sentences = {**words["refusals"], **instead}
    minutes = -(-(refusal.retry_after_s or _A_MINUTE_S) // _A_MINUTE_S)
    return str(sentences.get(refusal.code, sentences["other"])).format(minutes=minutes)


def faults_of(words: Words, refusal: DomainError, **places: object) -> dict[str, str]:
    """What is wrong with each field, by its name in the form; a refusal of the whole has none.

    The first fault of a field counts. `places` are filled into the sentences.
    """
    sentences = words["faults"]
    return {
        field.pointer.removeprefix("/").replace("/", "."): str(sentences.get(field.code, sentences["other"])).format(
            **places
        )
        for field in reversed(refusal.fields)
    }
