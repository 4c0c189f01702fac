"""Logging in and out through the API."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pyotp
import pytest

from services.auth.accounts.domain import Account, nobodys_key
from services.auth.accounts.passwords import Password
from services.auth.accounts.registration import Wish, register, verify_address
from services.auth.refusals import WrongCredentials
from services.auth.sessions.domain import Session
from services.auth.sessions.login import TRIES, Credentials, log_in
from services.auth.sessions.visit import Visit
from services.auth.staff.usecases import NewStaff, add_staff
from services.auth.trail.pending import Noted
from tests.unit.auth.doubles import PASSWORD, Browser, MemorySessions, World

ANN = "ann@shop.example"
SUE = "sue@staff.example"


@pytest.fixture
async def ann(world: World) -> str:
    """A verified customer."""
    await register(world.deps, Wish(ANN, "Ann Example", Password(PASSWORD)))
    await verify_address(world.deps, world.mails[-1][1].link.partition("t=")[2])
    return ANN


@pytest.fixture
async def sue(world: World) -> pyotp.TOTP:
    """A member of the staff; her authenticator."""
    return pyotp.TOTP(await add_staff(world.deps, NewStaff(SUE, "Sue", "support", Password(PASSWORD))))


async def test_the_right_password_begins_a_session(ann: str, browser: Browser, world: World) -> None:
    answer = await browser.log_in(ann)

    body = await answer.json()
    assert answer.status == 200
    assert body["account"]["name"] == "Ann Example"
    assert (body["account"]["roles"], body["fresh"], body["remembered"]) == (["customer"], True, False)
    assert [session.id for session in world.sessions.stored.values()]


async def test_an_unticked_box_sets_one_cookie_that_ends_with_the_browser(ann: str, browser: Browser) -> None:
    answer = await browser.log_in(ann)

    [cookie] = answer.headers.getall("Set-Cookie")
    name, _, attributes = cookie.partition("=")
    assert name == browser.name("session")
    assert "max-age" not in attributes.lower()
    assert "expires" not in attributes.lower()
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in attributes.split(";")}


async def test_the_session_is_stored_as_a_hash(ann: str, browser: Browser, world: World) -> None:
    await browser.log_in(ann)

    token = browser.jar[browser.name("session")]
    assert len(token) == 43
    assert token not in repr(world.sessions.stored)


async def test_every_wrong_reason_has_the_same_answer(ann: str, browser: Browser, sue: pyotp.TOTP) -> None:
    wrong = [
        await browser.log_in(ann, "not the right password"),
        await browser.log_in("nobody@shop.example"),
        await browser.log_in(SUE, "not the right password", otp=sue.now()),
        await browser.log_in(SUE, "not the right password", otp="000000"),
    ]

    bodies = [await answer.json() | {"instance": ""} for answer in wrong]
    assert [answer.status for answer in wrong] == [401] * 4
    assert bodies == [bodies[0]] * 4
    assert bodies[0]["type"] == "/problems/wrong-credentials"


async def test_after_the_right_password_a_wrong_code_is_named(browser: Browser, sue: pyotp.TOTP, world: World) -> None:
    code = sue.at(world.clock())
    answers = [
        await browser.log_in(SUE, otp="000000"),
        await browser.log_in(SUE, recovery_code="0000-0000-0000-0000"),
        await browser.log_in(SUE, otp=code),
        await browser.log_in(SUE, otp=code),
    ]

    problems = [await answer.json() for answer in answers]
    assert [answer.status for answer in answers] == [401, 401, 200, 401]
    assert [problems[n]["type"] for n in (0, 1, 3)] == ["/problems/wrong-credentials"] * 3
    assert [[(e["pointer"], e["code"], e["detail"]) for e in problems[n]["errors"]] for n in (0, 1, 3)] == [
        [("/otp", "wrong-code", "is wrong, or was used already")],
        [("/recovery_code", "wrong-code", "is wrong, or was used already")],
        [("/otp", "wrong-code", "is wrong, or was used already")],
    ]


async def test_an_address_that_is_not_proven_is_as_good_as_none(browser: Browser, world: World) -> None:
    await register(world.deps, Wish(ANN, "Ann Example", Password(PASSWORD)))

    right, wrong, nobody = [
        await browser.log_in(ANN),
        await browser.log_in(ANN, "not the right password"),
        await browser.log_in("nobody@shop.example"),
    ]

    bodies = [await answer.json() | {"instance": ""} for answer in (right, wrong, nobody)]
    assert [answer.status for answer in (right, wrong, nobody)] == [401] * 3
    assert bodies == [bodies[0]] * 3
    assert (bodies[0]["type"], "not verified yet" in bodies[0]["detail"]) == ("/problems/wrong-credentials", True)
    assert not browser.jar


def _with_a_new_password(account: Account) -> Account:
    return account.with_password(account.password, is_long=True)


def _as_erased(account: Account) -> Account:
    return replace(account, email_key=nobodys_key(account.id))


def _with_other_roles(account: Account) -> Account:
    return replace(account, roles=frozenset({"customer", "support"}))


@pytest.mark.parametrize("change", [_with_a_new_password, _as_erased, _with_other_roles])
async def test_a_login_that_is_overtaken_by_what_ends_all_sessions_begins_none(
    ann: str, browser: Browser, world: World, change: Callable[[Account], Account]
) -> None:
    class Overtaken(MemorySessions):
        async def add(self, session: Session, *, notes: Sequence[Noted] = ()) -> None:
            await world.accounts.save(change(await world.accounts.get(session.account_id)), [])
            await super().add(session, notes=notes)

    sessions = Overtaken(world.notes)
    credentials = Credentials(ann, Password(PASSWORD))
    deps = replace(world.deps, sessions=sessions)

    with pytest.raises(WrongCredentials):
        await log_in(deps, credentials, remember=True, visit=Visit("Firefox"))

    assert not sessions.stored
    assert all(each.ended_at for each in world.remembered.stored.values())


async def test_ten_tries_are_taken_and_the_eleventh_waits(ann: str, browser: Browser) -> None:
    statuses = [(await browser.log_in(ann, "not the right password")).status for _ in range(TRIES.most)]

    refused = await browser.log_in(ann)

    assert statuses == [401] * 10
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) == 901


async def test_an_unknown_address_is_throttled_likewise(browser: Browser) -> None:
    statuses = [(await browser.log_in("nobody@shop.example")).status for _ in range(TRIES.most + 1)]

    assert statuses == [401] * 10 + [429]


async def test_the_owners_success_resets_the_count(ann: str, browser: Browser) -> None:
    for _ in range(9):
        await browser.log_in(ann, "not the right password")
    await browser.log_in(ann)

    statuses = [(await browser.log_in(ann, "not the right password")).status for _ in range(10)]

    assert statuses == [401] * 10


async def test_after_a_quarter_of_an_hour_one_may_try_again(ann: str, browser: Browser, world: World) -> None:
    for _ in range(11):
        await browser.log_in(ann, "not the right password")
    world.clock.advance(seconds=900)

    assert (await browser.log_in(ann)).status == 200


async def test_spellings_of_an_address_are_one_address(ann: str, browser: Browser) -> None:
    assert (await browser.log_in("ANN@SHOP.example")).status == 200


async def test_a_new_login_ends_the_browsers_session_before(ann: str, browser: Browser, world: World) -> None:
    await browser.log_in(ann)
    before = browser.copy()

    await browser.log_in(ann)

    assert len(world.sessions.stored) == 1
    assert (await before.send("GET", "/api/auth/session")).status == 401


async def test_staff_are_asked_for_the_second_factor_after_the_right_password(
    browser: Browser, sue: pyotp.TOTP
) -> None:
    answer = await browser.log_in(SUE)

    assert (answer.status, (await answer.json())["type"]) == (401, "/problems/second-factor-required")
    assert not browser.jar


async def test_staff_log_in_with_their_code(browser: Browser, sue: pyotp.TOTP, world: World) -> None:
    answer = await browser.log_in(SUE, otp=sue.at(world.clock()))

    assert answer.status == 200
    assert (await answer.json())["account"]["roles"] == ["customer", "support"]


async def test_a_code_works_once_also_when_it_comes_twice_at_once(
    browser: Browser, sue: pyotp.TOTP, world: World
) -> None:
    code = sue.at(world.clock())

    both = await asyncio.gather(*(browser.log_in(SUE, otp=code) for _ in range(2)))
    later = await browser.log_in(SUE, otp=code)

    assert sorted(answer.status for answer in both) == [200, 401]
    assert later.status == 401


async def test_guessing_codes_is_throttled(browser: Browser, sue: pyotp.TOTP, world: World) -> None:
    right = sue.at(world.clock())
    wrong = "000000" if right != "000000" else "111111"
    statuses = [(await browser.log_in(SUE, otp=wrong)).status for _ in range(10)]

    assert statuses == [401] * 10
    assert (await browser.log_in(SUE, otp=right)).status == 429


async def test_staff_are_not_remembered(browser: Browser, sue: pyotp.TOTP, world: World) -> None:
    answer = await browser.log_in(SUE, otp=sue.at(world.clock()), remember=True)

    assert (await answer.json())["remembered"] is False
    assert browser.name("remember") not in browser.jar


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"email": {"$ne": None}}, "/email"),
        ({"password": ["x"]}, "/password"),
        ({"password": "x" * 2000}, "/password"),
        ({"remember": "yes"}, "/remember"),
        ({"remember": 1}, "/remember"),
        ({"otp": 123456}, "/otp"),
        ({"otp": "12345"}, "/otp"),
        ({"admin": True}, "/admin"),
    ],
)
async def test_bad_input_is_refused_by_field(browser: Browser, changes: dict[str, Any], pointer: str) -> None:
    body: dict[str, Any] = {"email": ANN, "password": PASSWORD}

    answer = await browser.send("POST", "/api/auth/session", json=body | changes)

    assert answer.status == 422
    assert [each["pointer"] for each in (await answer.json())["errors"]] == [pointer]


async def test_a_megabyte_of_password_is_not_even_read(browser: Browser) -> None:
    answer = await browser.log_in(ANN, "x" * 1_000_000)

    assert answer.status == 413


async def test_another_site_cannot_log_anybody_in(ann: str, browser: Browser) -> None:
    body = {"email": ann, "password": PASSWORD}

    answer = await browser.send("POST", "/api/auth/session", json=body, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status == 403
    assert not browser.jar


async def test_logging_out_ends_the_session_and_clears_both_cookies(ann: str, browser: Browser, world: World) -> None:
    await browser.log_in(ann, remember=True)
    before = browser.copy()

    answer = await browser.send("DELETE", "/api/auth/session")

    assert answer.status == 204
    assert not browser.jar
    assert not world.sessions.stored
    assert (await before.send("GET", "/api/auth/session")).status == 401


async def test_logging_out_without_a_session_is_fine(browser: Browser) -> None:
    assert (await browser.send("DELETE", "/api/auth/session")).status == 204


async def test_an_account_whose_key_is_erased_is_as_good_as_none(ann: str, browser: Browser, world: World) -> None:
    [account] = world.accounts.stored
    await world.deps.people.erase(account)

    assert (await browser.log_in(ann)).status == 401
    assert account not in world.data_keys.stored
