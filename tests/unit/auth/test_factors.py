"""Authenticator apps and recovery codes, set up and used through the API."""

import asyncio
from dataclasses import replace
from typing import Any

import pyotp
import pytest

from services.auth.factors.check import Given, take_factor
from services.auth.factors.codes import RecoveryCode, hashes_of, new_codes
from services.auth.factors.domain import Authenticator, Factors
from services.auth.refusals import WrongCredentials
from shared.secrets import MalformedSecret
from shared.testing.clock import NOON
from tests.unit.auth.doubles import Browser, World
from tests.unit.auth.people import ANN, SUE, a_colleague, a_customer, a_phone, add_passkey, set_up_totp

MFA = "/api/auth/mfa"


@pytest.fixture
async def ann(world: World, browser: Browser) -> Browser:
    """Ann's browser, logged in."""
    await a_customer(world)
    assert (await browser.log_in(ANN)).status == 200
    return browser


def _later(world: World) -> None:
    """The next time step: another code."""
    world.clock.advance(seconds=30)


def _whats(world: World) -> list[str]:
    return [note.what for _, note in world.trail.stored]


async def test_an_offer_is_shown_as_text_as_a_link_and_as_a_picture(ann: Browser) -> None:
    answer = await ann.send("POST", f"{MFA}/totp")

    offer = await answer.json()
    parsed = pyotp.parse_uri(offer["uri"])
    assert answer.status == 201
    assert (len(offer["secret"]), parsed.secret) == (32, offer["secret"])
    assert (parsed.name, parsed.issuer) == (ANN, "Tokyoflash Japan")
    assert offer["qr_svg"].startswith("<svg ")
    assert "script" not in offer["qr_svg"]


async def test_an_offer_alone_changes_nothing_about_logging_in(ann: Browser) -> None:
    await ann.send("POST", f"{MFA}/totp")

    assert (await (await ann.send("GET", MFA)).json())["authenticator"] is False
    assert (await ann.log_in(ANN)).status == 200


async def test_a_proven_authenticator_is_asked_for_at_the_next_login(ann: Browser, world: World) -> None:
    totp, _ = await set_up_totp(ann, world)
    _later(world)

    alone, with_code = await ann.log_in(ANN), await ann.log_in(ANN, otp=totp.at(world.clock()))

    assert (alone.status, (await alone.json())["type"]) == (401, "/problems/second-factor-required")
    assert with_code.status == 200


async def test_the_code_that_proved_it_does_not_log_in_as_well(ann: Browser, world: World) -> None:
    totp, _ = await set_up_totp(ann, world)

    assert (await ann.log_in(ANN, otp=totp.at(world.clock()))).status == 401


async def test_a_wrong_code_proves_nothing(ann: Browser, world: World) -> None:
    offer = await (await ann.send("POST", f"{MFA}/totp")).json()
    right = pyotp.TOTP(offer["secret"]).at(world.clock())
    wrong = f"{(int(right) + 1) % 1_000_000:06}"

    answer = await ann.send("POST", f"{MFA}/totp/confirm", json={"otp": wrong})

    assert answer.status == 422
    assert [(each["pointer"], each["code"]) for each in (await answer.json())["errors"]] == [("/otp", "wrong-code")]
    assert (await ann.log_in(ANN)).status == 200


async def test_without_an_offer_there_is_nothing_to_prove(ann: Browser) -> None:
    answer = await ann.send("POST", f"{MFA}/totp/confirm", json={"otp": "123456"})

    assert (answer.status, (await answer.json())["type"]) == (409, "/problems/nothing-offered")


async def test_another_offer_leaves_the_authenticator_as_it_is_until_it_is_proven(ann: Browser, world: World) -> None:
    totp, _ = await set_up_totp(ann, world)
    await ann.send("POST", f"{MFA}/totp")
    _later(world)

    assert (await ann.log_in(ANN, otp=totp.at(world.clock()))).status == 200


async def test_a_new_authenticator_replaces_the_one_before(ann: Browser, world: World) -> None:
    before, _ = await set_up_totp(ann, world)
    after, _ = await set_up_totp(ann, world)
    _later(world)

    statuses = [(await ann.log_in(ANN, otp=each.at(world.clock()))).status for each in (before, after)]

    assert statuses == [401, 200]


async def test_ten_recovery_codes_of_80_bits_come_with_it_and_are_kept_as_hashes(ann: Browser, world: World) -> None:
    _, codes = await set_up_totp(ann, world)

    [account] = world.accounts.stored.values()
    assert len(set(codes)) == 10
    assert all(len(code.replace("-", "")) * 5 >= 80 for code in codes)
    assert account.factors.recovery == hashes_of(codes)
    assert not any(code.encode() in repr(world.accounts.stored).encode() for code in codes)


@pytest.mark.parametrize("spell", [str, str.lower, lambda code: code.replace("-", ""), lambda c: f" {c} "])
async def test_a_recovery_code_stands_in_for_the_authenticator(ann: Browser, world: World, spell: Any) -> None:
    _, codes = await set_up_totp(ann, world)

    answer = await ann.log_in(ANN, recovery_code=spell(codes[3]))

    assert answer.status == 200
    assert (await (await ann.send("GET", MFA)).json())["recovery_codes_left"] == 9
    [used] = [note for _, note in world.trail.stored if note.what == "recovery-code-used"]
    assert used.details == {"left": "9"}


async def test_a_recovery_code_works_once_also_when_it_comes_twice_at_once(ann: Browser, world: World) -> None:
    _, codes = await set_up_totp(ann, world)

    both = await asyncio.gather(*(ann.log_in(ANN, recovery_code=codes[0]) for _ in range(2)))
    later = await ann.log_in(ANN, recovery_code=codes[0])

    assert sorted(answer.status for answer in both) == [200, 401]
    assert later.status == 401


async def test_different_recovery_codes_at_once_each_work(ann: Browser, world: World) -> None:
    _, codes = await set_up_totp(ann, world)

    both = await asyncio.gather(*(ann.copy().log_in(ANN, recovery_code=code) for code in codes[:2]))

    assert [answer.status for answer in both] == [200, 200]
    [account] = world.accounts.stored.values()
    assert account.factors.recovery == hashes_of(codes[2:])


async def test_a_second_factor_beside_a_password_that_is_the_old_one_by_now_is_refused(
    ann: Browser, world: World
) -> None:
    _, codes = await set_up_totp(ann, world)
    [account] = world.accounts.stored.values()
    await world.accounts.save(account.with_password(b"another", is_long=True), [])
    person = await world.deps.people.known(account.id)

    with pytest.raises(WrongCredentials):
        await take_factor(world.deps, account, person, Given(recovery_code=RecoveryCode(codes[0])))

    assert (await world.accounts.get(account.id)).factors.recovery == hashes_of(codes)


async def test_a_recovery_code_with_a_wrong_password_is_not_used_up(ann: Browser, world: World) -> None:
    _, codes = await set_up_totp(ann, world)

    wrong = await ann.log_in(ANN, "not the right password", recovery_code=codes[0])

    assert wrong.status == 401
    assert (await ann.log_in(ANN, recovery_code=codes[0])).status == 200


async def test_new_recovery_codes_end_those_from_before(ann: Browser, world: World) -> None:
    _, before = await set_up_totp(ann, world)

    after = (await (await ann.send("POST", f"{MFA}/recovery-codes")).json())["recovery_codes"]

    statuses = [(await ann.log_in(ANN, recovery_code=codes[0])).status for codes in (before, after)]
    assert statuses == [401, 200]
    assert "recovery-codes-made" in _whats(world)


async def test_recovery_codes_without_a_second_factor_are_refused(ann: Browser) -> None:
    answer = await ann.send("POST", f"{MFA}/recovery-codes")

    assert (answer.status, (await answer.json())["type"]) == (409, "/problems/no-second-factor")


async def test_the_right_password_alone_is_told_what_else_it_needs(ann: Browser, world: World) -> None:
    await set_up_totp(ann, world)
    await add_passkey(ann, a_phone())

    answer = await ann.log_in(ANN)

    errors = (await answer.json())["errors"]
    assert answer.status == 401
    assert [(each["pointer"], each["code"]) for each in errors] == [
        ("/otp", "authenticator"),
        ("/recovery_code", "recovery-code"),
        ("/passkey", "passkey"),
    ]


async def test_what_an_account_needs_is_not_told_for_a_wrong_password(ann: Browser, world: World) -> None:
    await set_up_totp(ann, world)

    known = await (await ann.log_in(ANN, "not the right password")).json()
    unknown = await (await ann.log_in("nobody@shop.example", "not the right password")).json()

    assert known | {"instance": ""} == unknown | {"instance": ""}
    assert "errors" not in known


async def test_a_removed_authenticator_is_asked_for_no_more_and_takes_its_codes_along(
    ann: Browser, world: World
) -> None:
    await set_up_totp(ann, world)

    answer = await ann.send("DELETE", f"{MFA}/totp")

    view = await (await ann.send("GET", MFA)).json()
    assert answer.status == 204
    assert view == {"authenticator": False, "recovery_codes_left": 0, "passkeys": [], "required": False}
    assert (await ann.log_in(ANN)).status == 200


async def test_removing_what_is_not_there_changes_nothing(ann: Browser, world: World) -> None:
    before = dict(world.accounts.stored)

    assert (await ann.send("DELETE", f"{MFA}/totp")).status == 204
    assert world.accounts.stored == before


async def test_every_change_is_told_to_the_owner_and_noted(ann: Browser, world: World) -> None:
    mails, notes = len(world.mails), len(world.trail.stored)

    await set_up_totp(ann, world)
    await ann.send("POST", f"{MFA}/recovery-codes")
    await ann.send("DELETE", f"{MFA}/totp")

    assert [(template, each.email, each.link) for template, each in world.mails[mails:]] == [
        ("second-factor-changed", ANN, "https://shop.example/account")
    ] * 3
    assert _whats(world)[notes:] == ["authenticator-added", "recovery-codes-made", "authenticator-removed"]


async def test_staff_cannot_be_without_a_second_factor(browser: Browser, world: World) -> None:
    sue = await a_colleague(world)
    await browser.log_in(SUE, otp=sue.at(world.clock()))

    refused = await browser.send("DELETE", f"{MFA}/totp")
    await add_passkey(browser, a_phone())
    allowed = await browser.send("DELETE", f"{MFA}/totp")

    assert (refused.status, (await refused.json())["type"]) == (409, "/problems/staff-need-second-factor")
    assert allowed.status == 204
    assert (await (await browser.send("GET", MFA)).json())["required"] is True


async def test_a_short_password_cannot_be_without_a_second_factor(ann: Browser, world: World) -> None:
    await set_up_totp(ann, world)
    [(key, account)] = world.accounts.stored.items()
    world.accounts.stored[key] = replace(account, password_is_long=False)

    answer = await ann.send("DELETE", f"{MFA}/totp")

    assert (answer.status, (await answer.json())["type"]) == (409, "/problems/password-too-short-alone")
    assert (await (await ann.send("GET", MFA)).json())["authenticator"] is True


CHANGES = [
    ("POST", f"{MFA}/totp", None),
    ("POST", f"{MFA}/totp/confirm", {"otp": "123456"}),
    ("DELETE", f"{MFA}/totp", None),
    ("POST", f"{MFA}/recovery-codes", None),
    ("POST", "/api/auth/passkeys/options", None),
    ("DELETE", "/api/auth/passkeys/some", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
async def test_a_session_of_a_quarter_of_an_hour_ago_changes_nothing(
    ann: Browser, world: World, method: str, path: str, body: Any
) -> None:
    world.clock.advance(seconds=900)
    before = dict(world.accounts.stored)

    answer = await ann.send(method, path, json=body)

    assert (answer.status, (await answer.json())["type"]) == (403, "/problems/fresh-login-required")
    assert world.accounts.stored == before


@pytest.mark.parametrize(
    ("method", "path", "body"), [*CHANGES, ("GET", MFA, None), ("GET", "/api/auth/passkeys", None)]
)
async def test_a_stranger_sees_and_changes_nothing(browser: Browser, method: str, path: str, body: Any) -> None:
    assert (await browser.send(method, path, json=body)).status == 401


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"recovery_code": "too short"}, "/recovery_code"),
        ({"recovery_code": "UUUU-UUUU-UUUU-UUUU"}, "/recovery_code"),
        ({"recovery_code": "A" * 100_0}, "/recovery_code"),
        ({"recovery_code": 7}, "/recovery_code"),
        ({"recovery_code": {"$ne": ""}}, "/recovery_code"),
        ({"passkey": "x"}, "/passkey"),
        ({"passkey": {"id": {"$ne": ""}, "rawId": "a", "type": "public-key"}}, "/passkey/id"),
    ],
)
async def test_bad_input_is_refused_by_field(browser: Browser, changes: dict[str, Any], pointer: str) -> None:
    answer = await browser.log_in(ANN, **changes)

    assert answer.status == 422
    assert pointer in [each["pointer"] for each in (await answer.json())["errors"]]


def test_letters_that_look_like_digits_are_read_as_digits() -> None:
    assert RecoveryCode("oOiI-lL00-0000-0000") == RecoveryCode("0011110000000000")


@pytest.mark.parametrize("text", ["", "0" * 15, "0" * 17, "0000-0000-0000-000U", "0000-0000-0000-000ß", "\0" * 16])
def test_what_is_no_recovery_code_is_refused(text: str) -> None:
    with pytest.raises(MalformedSecret):
        RecoveryCode(text)


def test_recovery_codes_are_grouped_for_reading() -> None:
    assert all([len(part) for part in code.split("-")] == [4, 4, 4, 4] for code in new_codes())


def test_an_offer_that_is_dropped_leaves_nothing() -> None:
    offered = Factors().offer(b"new")

    assert not offered.any
    assert offered.without_authenticator() == Factors()
    assert offered.prove(7, at=NOON) == Factors(Authenticator(b"new", 7, NOON))
