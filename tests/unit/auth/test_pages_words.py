"""The words of the pages: all there in each language, and a sentence for whatever may be refused."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest

from services.auth import refusals
from services.auth.accounts.passwords import MailedCode, OneTimeCode
from services.auth.factors.codes import RecoveryCode
from services.auth.pages.explain import device_text
from services.auth.pages.words import words_of
from services.auth.trail.domain import What
from shared.errors import DomainError, FieldError, InvalidInput
from shared.http.explain import faults_of, sentence_of
from shared.http.preferences import LANGUAGES
from tests.unit.auth.doubles import Browser, World
from tests.unit.auth.pages import get, post

NEVER_ON_A_PAGE = {"address-not-verified"}
CODES = sorted(
    each.code for each in vars(refusals).values() if isinstance(each, type) and issubclass(each, DomainError)
    if each is not DomainError and each.code not in NEVER_ON_A_PAGE
)  # fmt: skip


def _sentences(words: Mapping[str, Any], section: str = "") -> Iterator[tuple[str, str]]:
    for key, text in words.items():
        if isinstance(text, str):
            yield f"{section}{key}", text
        else:
            yield from _sentences(text, f"{key}.")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_the_same_sentences_with_the_same_places_to_fill(language: str) -> None:
    english, own = dict(_sentences(words_of("en"))), dict(_sentences(words_of(language)))

    assert own.keys() == english.keys()
    for key, text in own.items():
        assert text.strip(), key
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", english[key])), key


def test_no_japanese_sentence_is_left_in_latin_letters_alone() -> None:
    latin = [key for key, text in _sentences(words_of("ja")) if text.isascii()]

    assert latin == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", CODES)
def test_whatever_auth_refuses_has_its_own_sentence(code: str, language: str) -> None:
    assert code in words_of(language)["refusals"]


@pytest.mark.parametrize("code", [OneTimeCode.code, MailedCode.code, RecoveryCode.code, "missing", "invalid-email",
                                  "invalid-name", "looks-like-card-number", "password-too-short", "password-too-common",
                                  "password-too-obvious", "password-too-long", "password-missing", "invalid-password",
                                  "wrong-password", "password-unchanged", "email-unchanged", "wrong-code"])  # fmt: skip
def test_whatever_may_be_wrong_with_a_field_has_its_own_sentence(code: str) -> None:
    assert code in words_of("en")["faults"]


@pytest.mark.parametrize("what", get_args(What))
def test_each_entry_of_the_trail_has_its_own_sentence(what: str) -> None:
    assert what in words_of("en")["happened"]


def test_a_code_without_a_sentence_gets_a_general_one_never_the_english_detail() -> None:
    words = words_of("de")
    refusal = InvalidInput("Some fields were refused.", fields=[FieldError("/email", "brand-new", "must be new")])

    assert faults_of(words, refusal, shortest=15) == {"email": words["faults"]["other"]}
    assert sentence_of(words, DomainError("No.")) == words["refusals"]["other"]


@pytest.mark.parametrize(
    ("language", "device", "shown"),
    [
        ("en", "Firefox on Linux", "Firefox on Linux"),
        ("de", "Firefox on Linux", "Firefox unter Linux"),
        ("ja", "Firefox on Linux", "LinuxのFirefox"),
        ("de", "Browser", "Ein Browser"),
    ],
)
def test_a_device_is_named_in_the_visitors_language(language: str, device: str, shown: str) -> None:
    assert device_text(words_of(language), device) == shown


def test_how_long_to_wait_is_said_in_minutes_rounded_up() -> None:
    assert "2 min" in sentence_of(words_of("en"), refusals.TooManyTries(retry_after_s=61))


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("ja", "15文字以上にしてください。"), ("de", "Bitte verwenden Sie mindestens 15 Zeichen.")],
)
async def test_what_is_wrong_is_said_in_the_visitors_language(browser: Browser, language: str, sentence: str) -> None:
    status, _, text = await post(
        browser, "/register", {"Accept-Language": language}, email="ann@shop.example", name="Ann", password="short"
    )

    assert status == 422
    assert f'<html lang="{language}">' in text
    assert sentence in text
    assert "must have" not in text


async def test_a_mail_follows_the_language_of_the_page(browser: Browser, world: World) -> None:
    await post(
        browser, "/register", {"Accept-Language": "de"}, email="ann@shop.example", name="Ann",
        password="drei ganz andere Worte",
    )  # fmt: skip

    [account] = world.accounts.stored.values()
    assert account.language == "de"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_privacy_page_names_cookies_and_caps_in_each_language(browser: Browser, language: str) -> None:
    december = {"en": "December", "ja": "12月", "de": "Dezember"}[language]

    status, text = await get(browser, "/privacy", **{"Accept-Language": language})

    assert status == 200
    assert all(browser.name(kind) in text for kind in ("session", "prefs", "remember"))
    assert re.search(rf"<td>{december}</td><td>3</td>", text)
    assert set(re.findall(r'h2 id="([a-z]+)"', text)) == {
        "connection", "cookies", "data", "card", "newsletter", "warranty", "questions",
    }  # fmt: skip
