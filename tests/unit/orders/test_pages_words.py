"""The words of the shop's pages: all there in each language, and a sentence for whatever may be shown."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from services.orders.life.steps import Status
from services.orders.pages.words import words_of
from shared.errors import DomainError
from shared.http.preferences import LANGUAGES


def _sentences(words: Mapping[str, Any], section: str = "") -> Iterator[tuple[str, str]]:
    for key, text in words.items():
        if isinstance(text, str):
            yield f"{section}{key}", text
        else:
            yield from _sentences(text, f"{section}{key}.")


def _refusals(kind: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("services.orders"):
            yield each
        yield from _refusals(each)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_the_same_sentences_with_the_same_places_to_fill(language: str) -> None:
    english, own = dict(_sentences(words_of("en"))), dict(_sentences(words_of(language)))

    assert own.keys() == english.keys()
    for key, text in own.items():
        assert text.strip(), key
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", english[key])), key


def test_no_japanese_sentence_is_left_in_latin_letters_alone() -> None:
    assert [key for key, text in _sentences(words_of("ja")) if text.isascii()] == []


def test_no_key_is_hidden_from_templates_by_a_method_of_dictionaries() -> None:
    assert [key for key, _ in _sentences(words_of("en")) if hasattr(dict, key.rpartition(".")[2])] == []


@pytest.mark.parametrize("status", Status)
def test_each_status_has_its_own_sentence(status: Status) -> None:
    words = words_of("en")

    assert status.value in words["statuses"]
    assert status is Status.CHARGING or status.value in words["order"]["steps"]


@pytest.mark.parametrize("code", sorted({each.code for each in _refusals()}))
def test_whatever_orders_refuses_has_its_own_sentence(code: str) -> None:
    assert code in words_of("en")["refusals"]
