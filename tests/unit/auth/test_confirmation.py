"""Showing again who one is: what makes a session recent, and what does not."""

import asyncio
from typing import Any

import pytest

from services.auth.sessions.login import TRIES
from tests.unit.auth.doubles import PASSWORD, Browser, World
from tests.unit.auth.people import ANN, BOB, a_customer, a_phone, add_passkey, an_assertion, set_up_totp

CONFIRM = "/api/auth/session/confirm"
QUARTER_S = 900


@pytest.fixture
async def ann(world: World, browser: Browser) -> Browser:
    """Ann's browser, logged in."""
    await a_customer(world)
    assert (await browser.log_in(ANN, remember=True)).status == 200
    return browser


async def _confirm(browser: Browser, **body: Any) -> tuple[int, str]:
    answer = await browser.send("POST", CONFIRM, json=body)
    return answer.status, (await answer.json()).get("type", "").removeprefix("/problems/")


async def _may_change(browser: Browser) -> bool:
    return (await browser.send("POST", "/api/auth/mfa/totp")).status == 201


async def test_the_password_makes_an_old_session_recent(ann: Browser, world: World) -> None:
    world.clock.advance(seconds=QUARTER_S)
    before = await _may_change(ann)

    answer = await ann.send("POST", CONFIRM, json={"password": PASSWORD})

    body = await answer.json()
    assert not before
    assert (answer.status, body["account"]["name"], body["fresh"]) == (200, "Ann Example", True)
    assert await _may_change(ann)
    assert [note.details for _, note in world.trail.stored if note.what == "password-confirmed"] == [
        {"how": "password"}
    ]


async def test_wrong_guesses_are_in_the_trail(ann: Browser, world: World) -> None:
    for _ in range(3):
        await _confirm(ann, password="not the right password")
    await world.deps.refused.flush()

    assert [note.details for _, note in world.trail.stored if note.what == "login-refused"] == [{"count": "3"}]


async def test_it_lasts_a_quarter_of_an_hour(ann: Browser, world: World) -> None:
    world.clock.advance(seconds=QUARTER_S)
    await _confirm(ann, password=PASSWORD)
    world.clock.advance(seconds=QUARTER_S - 1)
    just_in_time = await _may_change(ann)
    world.clock.advance(seconds=1)

    assert (just_in_time, await _may_change(ann)) == (True, False)


async def test_a_remembered_session_becomes_fresh(ann: Browser, world: World) -> None:
    ann.close()
    before = await (await ann.send("GET", "/api/auth/session")).json()

    assert await _confirm(ann, password=PASSWORD) == (200, "")

    after = await (await ann.send("GET", "/api/auth/session")).json()
    assert (before["fresh"], after["fresh"], after["remembered"]) == (False, True, True)
    assert await _may_change(ann)


async def test_other_sessions_of_the_account_stay_as_they_are(ann: Browser, world: World) -> None:
    other = Browser(ann.client, world.settings)
    await other.log_in(ANN)
    world.clock.advance(seconds=QUARTER_S)

    await _confirm(ann, password=PASSWORD)

    assert not await _may_change(other)


async def test_a_wrong_password_confirms_nothing(ann: Browser, world: World) -> None:
    world.clock.advance(seconds=QUARTER_S)

    assert await _confirm(ann, password="not the right password") == (403, "wrong-password")
    assert not await _may_change(ann)


async def test_what_is_wrong_is_named_and_nobody_is_told_to_log_in_again(ann: Browser, world: World) -> None:
    await set_up_totp(ann, world)

    outcomes = []
    for body in (
        {"password": "not the right password"},
        {"password": PASSWORD, "otp": "000000"},
        {"password": PASSWORD, "recovery_code": "0000-0000-0000-0000"},
    ):
        answer = await ann.send("POST", CONFIRM, json=body)
        problem = await answer.json()
        [error] = problem["errors"]
        outcomes.append((answer.status, "WWW-Authenticate" in answer.headers, error["pointer"], error["code"]))
        assert "address" not in problem["detail"]

    assert outcomes == [
        (403, False, "/password", "wrong-password"),
        (403, False, "/otp", "wrong-code"),
        (403, False, "/recovery_code", "wrong-code"),
    ]


async def test_an_account_with_a_second_factor_gives_it_too(ann: Browser, world: World) -> None:
    totp, codes = await set_up_totp(ann, world)
    world.clock.advance(seconds=QUARTER_S)

    outcomes = [
        await _confirm(ann, password=PASSWORD),
        await _confirm(ann, password=PASSWORD, otp=totp.at(world.clock())),
        await _confirm(ann, password=PASSWORD, otp=totp.at(world.clock())),
        await _confirm(ann, password=PASSWORD, recovery_code=codes[0]),
        await _confirm(ann, password=PASSWORD, recovery_code=codes[0]),
    ]

    assert outcomes == [
        (401, "second-factor-required"),
        (200, ""),
        (403, "wrong-second-factor"),
        (200, ""),
        (403, "wrong-second-factor"),
    ]


async def test_a_passkey_alone_is_enough_and_works_beside_the_password(ann: Browser, world: World) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)
    world.clock.advance(seconds=QUARTER_S)

    alone = await _confirm(ann, passkey=await an_assertion(ann, phone))
    changed = await _may_change(ann)
    beside = await _confirm(ann, password=PASSWORD, passkey=await an_assertion(ann, phone))

    assert (alone, changed, beside) == ((200, ""), True, (200, ""))
    assert [note.details["how"] for _, note in world.trail.stored if note.what == "password-confirmed"] == [
        "passkey",
        "password",
    ]


async def test_a_passkey_is_no_excuse_for_a_wrong_password(ann: Browser) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)
    assertion = await an_assertion(ann, phone)

    assert await _confirm(ann, password="not the right password", passkey=assertion) == (403, "wrong-password")


async def test_anothers_passkey_confirms_nothing(ann: Browser, world: World) -> None:
    await a_customer(world, BOB, "Bob")
    bob, bobs = Browser(ann.client, world.settings), a_phone()
    await bob.log_in(BOB)
    await add_passkey(bob, bobs)
    world.clock.advance(seconds=QUARTER_S)

    assert await _confirm(ann, passkey=await an_assertion(ann, bobs)) == (403, "wrong-second-factor")
    assert not await _may_change(ann)


async def test_nothing_given_confirms_nothing(ann: Browser) -> None:
    answer = await ann.send("POST", CONFIRM, json={})

    assert answer.status == 422
    assert [each["pointer"] for each in (await answer.json())["errors"]] == ["/password"]


async def test_a_stranger_has_nothing_to_confirm(browser: Browser) -> None:
    assert (await browser.send("POST", CONFIRM, json={"password": PASSWORD})).status == 401


async def test_guesses_in_an_open_browser_are_throttled(ann: Browser) -> None:
    outcomes = [await _confirm(ann, password="not the right password") for _ in range(TRIES.most)]

    answer = await ann.send("POST", CONFIRM, json={"password": PASSWORD})

    assert outcomes == [(403, "wrong-password")] * TRIES.most
    assert (answer.status, "Retry-After" in answer.headers) == (429, True)


async def test_strangers_who_guess_do_not_keep_the_owner_from_confirming(ann: Browser, world: World) -> None:
    stranger = Browser(ann.client, world.settings)
    for _ in range(TRIES.most + 1):
        await stranger.log_in(ANN, "not the right password")

    assert await _confirm(ann, password=PASSWORD) == (200, "")


async def test_a_session_that_ended_in_the_meantime_is_not_brought_back(ann: Browser, world: World) -> None:
    headers = {"X-Identity": (await ann.identity()).headers["X-Identity"], "Sec-Fetch-Site": "same-origin"}
    await ann.send("DELETE", "/api/auth/session")

    answer = await ann.client.post(CONFIRM, json={"password": PASSWORD}, headers=headers)

    assert (answer.status, (await answer.json())["type"]) == (401, "/problems/no-session")
    assert not world.sessions.stored


async def test_a_code_used_twice_at_once_confirms_once(ann: Browser, world: World) -> None:
    totp, _ = await set_up_totp(ann, world)
    world.clock.advance(seconds=30)
    code = totp.at(world.clock())

    both = await asyncio.gather(*(_confirm(ann, password=PASSWORD, otp=code) for _ in range(2)))

    assert sorted(status for status, _ in both) == [200, 403]
