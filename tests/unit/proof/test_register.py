"""The register: every promise is there, and whatever it names is there too."""

import re
from functools import cache
from pathlib import Path

import pytest

from proof import document
from shared.http.preferences import LANGUAGES
from shared.promises import Promise, outline, register

ROOT = Path(__file__).parents[3]
PROMISES = list(register().values())
EACH = pytest.mark.parametrize("promise", PROMISES, ids=[promise.id for promise in PROMISES])


@cache
def text_of(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def is_there(test: str) -> bool:
    path, _, name = test.partition("::")
    return (ROOT / path).is_file() and re.search(rf"^\s*(async )?def {name}\(", text_of(path), re.MULTILINE) is not None


def test_the_promises_are_p1_to_p21() -> None:
    assert [promise.id for promise in PROMISES] == [f"P{number}" for number in range(1, 22)]


@EACH
def test_the_code_that_keeps_it_is_there(promise: Promise) -> None:
    assert promise.enforced_by
    assert [path for path in promise.enforced_by if not (ROOT / path).exists()] == []


@EACH
def test_the_checks_that_prove_it_are_there(promise: Promise) -> None:
    assert promise.proved_by
    assert [test for test in promise.proved_by if not is_there(test)] == []


def test_a_check_that_is_not_there_is_seen() -> None:
    assert not is_there("tests/unit/proof/test_register.py::test_nobody_wrote_this")
    assert not is_there("tests/unit/proof/test_no_such_file.py::test_anything")


@EACH
def test_it_answers_a_paragraph_of_the_policy(promise: Promise) -> None:
    paragraphs = outline().policy["paragraphs"]

    assert promise.answers
    for answer in promise.answers:
        section, number = answer.split("/")
        assert 1 <= int(number) <= paragraphs[section]


def test_every_paragraph_of_the_policy_that_promises_something_is_answered() -> None:
    answered = {answer for promise in PROMISES for answer in promise.answers}
    paragraphs = {f"{name}/{n}" for name, count in outline().policy["paragraphs"].items() for n in range(1, count + 1)}

    assert paragraphs - answered == set()


@EACH
def test_it_is_told_in_each_language_at_the_same_length(promise: Promise) -> None:
    assert set(promise.page) == set(LANGUAGES)
    assert len({len(texts) for texts in promise.page.values()}) == 1
    places = {tuple(re.findall(r"{\w+}", " ".join(texts))) for texts in promise.page.values()}
    assert len({frozenset(each) for each in places}) == 1


def test_each_promise_stands_on_the_page_once() -> None:
    told = [each for section in outline().sections for each in section.promises]

    assert sorted(told) == sorted(register())


def test_the_document_is_what_the_register_makes() -> None:
    text = document.PAGE.read_text("utf-8")

    assert document.rendered(text) == text, "run `python -m proof.document`"


def test_a_sentence_that_was_changed_by_hand_is_seen() -> None:
    text = document.PAGE.read_text("utf-8")
    changed = text.replace(PROMISES[0].statement, "Mostly encrypted.")

    assert changed != text
    assert document.rendered(changed) == text
