"""Which passwords are taken, and how they and mailed codes are read."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from services.auth.accounts.passwords import MailedCode, Password
from services.auth.accounts.rules import PLAIN, PasswordRules, Rule, guesses_for, is_long
from shared.errors import InvalidInput
from shared.secrets import MalformedSecret

OWN = ("ann.example@shop.example", "Ann Maria Example", "Tokyoflash Japan", "www.tokyoflash.com")
BESIDE = Rule(beside_a_factor=True)


@pytest.fixture
async def rules() -> AsyncIterator[PasswordRules]:
    rules = PasswordRules()
    yield rules
    rules.close()


async def _refusal(rules: PasswordRules, text: str, rule: Rule = PLAIN) -> list[tuple[str, str]]:
    try:
        await rules.check(Password(text), known=OWN, rule=rule)
    except InvalidInput as refused:
        return [(each.pointer, each.code) for each in refused.fields]
    return []


@pytest.mark.parametrize(
    "text",
    [
        "correct horse battery staple",
        "correct horse battery",
        "a watch that tells no time",
        "ein neues Passwort für das Konto",
        "ぱすわーどはとけいのうらにかく",
        "fjord-lantern-7",
        "y8#kQv!2mZr@1Lw",
        "x" * 20 + " lamp over the harbour",
    ],
)
async def test_a_long_password_of_any_kind_is_taken(rules: PasswordRules, text: str) -> None:
    assert await _refusal(rules, text) == []


@pytest.mark.parametrize("text", ["fourteen chars", "\N{WATCH}" * 14])
async def test_a_short_password_is_refused_by_name(rules: PasswordRules, text: str) -> None:
    assert await _refusal(rules, text) == [("/password", "password-too-short")]


@pytest.mark.parametrize("text", ["123456789987654321", "1QAZ2wsx3edc4rfv", "mailcreated5240", " momsanaladventure "])
async def test_what_was_stolen_elsewhere_is_refused(rules: PasswordRules, text: str) -> None:
    assert await _refusal(rules, text) == [("/password", "password-too-common")]


@pytest.mark.parametrize(
    "text",
    [
        "aaaaaaaaaaaaaaa",
        "passwordpassword",
        "P4$$w0rdP4$$w0rd",
        "password12345678",
        "qwertyuiopasdfg",
        "letmeinletmeinletmein",
        "abcabcabcabcabc",
        "!" * 15,
        "ann.example@shop.example",
        "ann.example@shop.example1",
        "Tokyoflash-Japan",
        "ANN MARIA EXAMPLE",
        "annmariaexample1",
        "www.tokyoflash.com",
    ],
)
async def test_what_anybody_would_try_first_is_refused(rules: PasswordRules, text: str) -> None:
    assert await _refusal(rules, text) == [("/password", "password-too-obvious")]


@pytest.mark.parametrize(("text", "code"), [("seven 7", "password-too-short"), ("passw0rd", "password-too-common")])
async def test_beside_a_second_factor_eight_characters_are_enough(rules: PasswordRules, text: str, code: str) -> None:
    assert await _refusal(rules, "k7#vq9!z", BESIDE) == []
    assert await _refusal(rules, text, BESIDE) == [("/password", code)]


async def test_a_refusal_names_the_field_that_it_was_typed_into(rules: PasswordRules) -> None:
    assert await _refusal(rules, "short", Rule(pointer="/new_password")) == [("/new_password", "password-too-short")]


async def test_a_refusal_never_repeats_the_password(rules: PasswordRules) -> None:
    for text in ("hunter2hunter2hunter2", "short one"):
        with pytest.raises(InvalidInput) as refused:
            await rules.check(Password(text), known=OWN)
        assert text not in repr(refused.value) + repr(refused.value.fields)


@pytest.mark.parametrize(
    "text",
    ["4@8({[<3691!|70$5+%2" * 51, "7961671997991976791911766877" * 36, "1679" * 256, "a" * 1024, "\u0130" * 500],
)
def test_judging_a_nasty_text_takes_no_second(text: str) -> None:
    guesses_for("warm up: the lists are read once")
    began = time.thread_time()

    guesses_for(text, OWN)

    assert time.thread_time() - began < 0.4  # 0.04 s here; seconds where nothing is cut


async def test_nothing_of_a_person_stays_in_the_lists(rules: PasswordRules) -> None:
    from zxcvbn.matching import RANKED_DICTIONARIES

    await asyncio.gather(*(rules.check(Password("a watch that tells no time"), known=OWN) for _ in range(3)))

    assert "user_inputs" not in RANKED_DICTIONARIES


def test_long_enough_to_stand_alone() -> None:
    assert [is_long(Password(text)) for text in ("x" * 14, "x" * 15, "\N{WATCH}" * 15)] == [False, True, True]


@pytest.mark.parametrize("typed", ["K7QF-2M9P", "k7qf2m9p", " K7QF 2M9P ", "k7qf-2m9p"])
def test_a_code_is_read_as_it_is_meant(typed: str) -> None:
    assert MailedCode(typed) == MailedCode("K7QF2M9P")


def test_signs_that_look_alike_are_one() -> None:
    assert MailedCode("oOiI-lL00") == MailedCode("0011-1100")


@pytest.mark.parametrize("typed", ["", "K7QF-2M9", "K7QF-2M9PX", "K7QF-2M9U", "Ｋ7QF-2M9P", "K7QF-2M9P" + " " * 40])
def test_what_is_no_code_is_refused(typed: str) -> None:
    with pytest.raises(MalformedSecret) as refused:
        MailedCode(typed)

    assert refused.value.code == "invalid-code"
