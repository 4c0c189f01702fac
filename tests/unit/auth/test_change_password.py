"""Change of password with the current one, through the API."""

import asyncio
from typing import Any

import pyotp
import pytest

from services.auth.accounts.passwords import Password
from services.auth.accounts.registration import Wish, register, verify_address
from services.auth.sessions.login import TRIES
from services.auth.staff.usecases import NewStaff, add_staff
from tests.unit.auth.doubles import PASSWORD, SITE, Browser, World
from tests.unit.auth.people import a_phone, add_passkey, set_up_totp

ANN = "ann@shop.example"
OTHER = "a watch that tells no time"


@pytest.fixture
async def ann(world: World, browser: Browser) -> Browser:
    """A verified customer, logged in."""
    await register(world.deps, Wish(ANN, "Ann Example", Password(PASSWORD)))
    await verify_address(world.deps, world.mails[-1][1].link.partition("t=")[2])
    await browser.log_in(ANN)
    return browser


async def _change(browser: Browser, current: Any = PASSWORD, new: Any = OTHER) -> tuple[int, Any]:
    body = {"current_password": current, "new_password": new}
    answer = await browser.send("PUT", "/api/auth/password", json=body)
    return answer.status, await answer.json()


def _other(browser: Browser) -> Browser:
    fresh = browser.copy()
    fresh.jar.clear()
    return fresh


async def test_the_new_password_counts_and_this_browser_stays_logged_in(ann: Browser) -> None:
    before = ann.copy()

    status, body = await _change(ann)

    assert (status, body["account"]["name"], body["fresh"]) == (200, "Ann Example", True)
    assert ann.jar != before.jar
    assert (await ann.send("GET", "/api/auth/session")).status == 200
    assert (await before.send("GET", "/api/auth/session")).status == 401
    assert (await _other(ann).log_in(ANN)).status == 401
    assert (await _other(ann).log_in(ANN, OTHER)).status == 200


async def test_everything_else_ends(ann: Browser, world: World) -> None:
    phone = _other(ann)
    await phone.log_in(ANN, remember=True)
    await ann.log_in(ANN, remember=True)

    await _change(ann)

    assert (await phone.send("GET", "/api/auth/session")).status == 401
    phone.close()
    assert (await phone.send("GET", "/api/auth/session")).status == 401
    assert ann.name("remember") not in ann.jar
    assert len(world.sessions.stored) == 1


async def test_the_owner_is_told_by_mail_and_in_the_trail(ann: Browser, world: World) -> None:
    [account] = world.accounts.stored

    await _change(ann)

    template, recipient = world.mails[-1]
    assert (template, recipient.email, recipient.link) == ("password-changed", ANN, f"{SITE}/password/forgot")
    assert "password-changed" in world.trail.whats(account)


async def test_without_the_current_password_nothing_changes(ann: Browser, world: World) -> None:
    status, problem = await _change(ann, "not the right password")

    assert (status, problem["type"]) == (403, "/problems/wrong-password")
    assert [each["pointer"] for each in problem["errors"]] == ["/current_password"]
    assert (await ann.send("GET", "/api/auth/session")).status == 200
    assert (await _other(ann).log_in(ANN)).status == 200
    assert [template for template, _ in world.mails] == ["verify"]


async def test_guessing_the_current_password_is_throttled(ann: Browser) -> None:
    statuses = [(await _change(ann, "not the right password"))[0] for _ in range(TRIES.most)]

    assert statuses == [403] * TRIES.most
    assert (await _change(ann))[0] == 429


async def test_strangers_at_the_login_do_not_keep_the_owner_from_it(ann: Browser) -> None:
    for _ in range(TRIES.most + 1):
        await _other(ann).log_in(ANN, "not the right password")

    assert (await _change(ann))[0] == 200


@pytest.mark.parametrize("factor", ["authenticator", "passkey"])
@pytest.mark.parametrize("way", ["stale", "remembered"])
async def test_beside_a_second_factor_the_password_alone_changes_nothing(
    ann: Browser, world: World, factor: str, way: str
) -> None:
    await ann.log_in(ANN, remember=True)
    if factor == "passkey":
        await add_passkey(ann, a_phone())
    else:
        await set_up_totp(ann, world)
    world.clock.advance(seconds=900)
    if way == "remembered":
        ann.close()
    [before] = world.accounts.stored.values()

    status, problem = await _change(ann)

    assert (status, problem["type"]) == (403, "/problems/fresh-login-required")
    [account] = world.accounts.stored.values()
    assert account == before
    assert (await ann.send("POST", "/api/auth/mfa/totp")).status == 403


async def test_once_the_second_factor_was_given_again_it_changes(ann: Browser, world: World) -> None:
    totp, _ = await set_up_totp(ann, world)
    world.clock.advance(seconds=900)
    confirmation = {"password": PASSWORD, "otp": totp.at(world.clock())}
    assert (await ann.send("POST", "/api/auth/session/confirm", json=confirmation)).status == 200

    assert (await _change(ann))[0] == 200


async def test_for_staff_likewise(browser: Browser, world: World) -> None:
    sue = "sue@staff.example"
    totp = pyotp.TOTP(await add_staff(world.deps, NewStaff(sue, "Sue", "support", Password(PASSWORD))))
    await browser.log_in(sue, otp=totp.at(world.clock()))
    world.clock.advance(seconds=900)

    assert (await _change(browser))[0] == 403


async def test_without_a_second_factor_an_old_session_will_do(ann: Browser, world: World) -> None:
    world.clock.advance(seconds=900)

    assert (await _change(ann))[0] == 200


async def test_wrong_guesses_are_in_the_trail(ann: Browser, world: World) -> None:
    for _ in range(3):
        await _change(ann, "not the right password")
    await world.deps.refused.flush()

    assert [note.details for _, note in world.trail.stored if note.what == "login-refused"] == [{"count": "3"}]


async def test_of_two_changes_at_once_one_counts(ann: Browser) -> None:
    wishes = ["the first of two passwords", "the second of two passwords"]

    answers = await asyncio.gather(*(_change(ann.copy(), new=wish) for wish in wishes))
    logins = [(await _other(ann).log_in(ANN, wish)).status for wish in wishes]

    assert sorted(logins) == [200, 401]
    assert [status == 200 for status, _ in answers] == [status == 200 for status in logins]


async def test_nobody_who_is_not_logged_in_changes_anything(ann: Browser) -> None:
    assert (await _change(_other(ann)))[0] == 401


async def test_a_session_that_has_ended_changes_nothing_within_its_identitys_minute(ann: Browser, world: World) -> None:
    identity = (await ann.identity()).headers["X-Identity"]
    world.sessions.stored.clear()

    answer = await ann.client.put(
        "/api/auth/password",
        json={"current_password": PASSWORD, "new_password": OTHER},
        headers={"X-Identity": identity, "Sec-Fetch-Site": "same-origin"},
    )

    assert (answer.status, (await answer.json())["type"]) == (401, "/problems/no-session")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"new": "fourteen chars"}, "/new_password", "password-too-short"),
        ({"new": PASSWORD}, "/new_password", "password-unchanged"),
        ({"new": "Ann Example Ann"}, "/new_password", "password-too-obvious"),
        ({"new": "mailcreated5240"}, "/new_password", "password-too-common"),
        ({"new": ["x"]}, "/new_password", "invalid-password"),
        ({"new": "fifteen characters\0"}, "/new_password", "unfit_text"),
        ({"current": {"$ne": None}}, "/current_password", "invalid-password"),
        ({"current": ""}, "/current_password", "password-missing"),
    ],
)
async def test_bad_input_is_refused_by_field_and_changes_nothing(
    ann: Browser, changes: dict[str, Any], pointer: str, code: str
) -> None:
    status, problem = await _change(ann, **changes)

    assert status == 422
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [(pointer, code)]
    assert (await _other(ann).log_in(ANN)).status == 200
