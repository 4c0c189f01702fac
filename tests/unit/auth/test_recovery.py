"""A forgotten password, through the API."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest

from services.auth.accounts.domain import Account
from services.auth.accounts.passwords import MailedCode, Password
from services.auth.accounts.recovery import ask_reset
from services.auth.accounts.registration import Wish, register, verify_address, verify_by_code
from services.auth.config import Settings
from services.auth.factors.domain import Authenticator, Factors, Passkey
from services.auth.sessions.login import TRIES
from services.auth.sessions.visit import Visit
from services.auth.staff.usecases import NewStaff, add_staff
from shared.contracts.auth import AccountVerified, MessageRequested
from shared.personal import PersonalFields
from tests.unit.auth.doubles import PASSWORD, SITE, Browser, MemoryAccounts, World
from tests.unit.auth.people import a_phone, add_passkey, an_assertion, problem_of, set_up_totp, use

ANN = "ann@shop.example"
OTHER = "a watch that tells no time"


@pytest.fixture
async def ann(world: World) -> str:
    """A verified customer."""
    await register(world.deps, Wish(ANN, "Ann Example", Password(PASSWORD), language="ja"))
    await verify_address(world.deps, world.mails[-1][1].link.partition("t=")[2])
    return ANN


async def _forget(browser: Browser, email: str = ANN) -> tuple[int, Any]:
    answer = await browser.send("POST", "/api/auth/password/forgot", json={"email": email})
    return answer.status, await answer.json() | {"instance": ""}


async def _reset(browser: Browser, token: str, password: str = OTHER) -> tuple[int, Any]:
    answer = await browser.send("POST", "/api/auth/password/reset", json={"token": token, "password": password})
    return answer.status, await answer.json()


def _tokens(world: World) -> list[str]:
    return [recipient.link.partition("t=")[2] for template, recipient in world.mails if template == "reset"]


def _stranger(browser: Browser) -> Browser:
    fresh = browser.copy()
    fresh.jar.clear()
    return fresh


async def test_a_mail_brings_a_token_that_lasts_ten_minutes(ann: str, browser: Browser, world: World) -> None:
    assert await _forget(browser) == (202, {"status": "accepted", "instance": ""})

    [event] = world.resets.events
    message = event.read(MessageRequested)
    [(_, recipient)] = [mail for mail in world.mails if mail[0] == "reset"]
    assert (recipient.email, recipient.name) == (ANN, "")
    assert recipient.link.startswith(f"{SITE}/password/reset?t=")
    assert (message.language, message.expires_at) == ("ja", world.clock().replace(minute=10))


async def test_the_token_is_stored_as_a_hash(ann: str, browser: Browser, world: World) -> None:
    await _forget(browser)

    [token] = _tokens(world)
    assert len(token) == 43
    assert token not in repr(world.resets.stored)
    assert token not in repr([event.data for event in world.resets.events])


async def test_the_new_password_counts_and_the_old_one_does_not(ann: str, browser: Browser, world: World) -> None:
    await _forget(browser)

    assert await _reset(browser, *_tokens(world)) == (200, {"status": "changed"})

    assert (await browser.log_in(ANN)).status == 401
    assert (await browser.log_in(ANN, OTHER)).status == 200


async def test_the_password_of_now_is_no_new_one_and_the_token_stays(ann: str, browser: Browser, world: World) -> None:
    await browser.log_in(ANN)
    await _forget(browser)

    status, problem = await _reset(browser, _tokens(world)[0], PASSWORD)

    [error] = problem["errors"]
    assert (status, error["pointer"], error["code"]) == (422, "/password", "password-unchanged")
    assert (await browser.send("GET", "/api/auth/session")).status == 200
    assert await _reset(browser, *_tokens(world)) == (200, {"status": "changed"})


async def test_everybody_is_logged_out_and_no_browser_is_remembered(ann: str, browser: Browser, world: World) -> None:
    phone, thief = _stranger(browser), _stranger(browser)
    await browser.log_in(ANN)
    await phone.log_in(ANN, remember=True)
    thief.jar = {name: value for name, value in phone.jar.items() if name == phone.name("remember")}
    await _forget(browser)

    await _reset(browser, *_tokens(world))

    for each in (browser, phone, thief):
        assert (await each.send("GET", "/api/auth/session")).status == 401
    assert not world.sessions.stored


async def test_the_owner_is_told_by_mail_and_finds_it_in_the_trail(ann: str, browser: Browser, world: World) -> None:
    [account] = world.accounts.stored
    await _forget(browser)
    world.clock.advance(seconds=60)

    await _reset(browser, *_tokens(world))

    told = [recipient for template, recipient in world.mails if template == "password-changed"]
    assert [(each.name, each.email, each.link) for each in told] == [("Ann Example", ANN, f"{SITE}/password/forgot")]
    assert world.trail.whats(account)[-2:] == ["password-reset-asked", "password-reset"]
    asked = world.trail.stored[-2][1]
    assert asked.details == {"asked_at": "2026-11-22T03:00:00+00:00"}


async def test_a_token_works_once(ann: str, browser: Browser, world: World) -> None:
    await _forget(browser)
    [token] = _tokens(world)
    await _reset(browser, token)

    status, problem = await _reset(browser, token, "yet another long password")

    assert (status, problem["type"]) == (410, "/problems/spent-token")
    assert (await browser.log_in(ANN, OTHER)).status == 200


async def test_of_parallel_uses_of_one_token_one_wins(ann: str, browser: Browser, world: World) -> None:
    await _forget(browser)
    [token] = _tokens(world)
    wishes = [f"a watch that tells no time {number}" for number in range(8)]

    answers = await asyncio.gather(*(_reset(_stranger(browser), token, wish) for wish in wishes))
    logins = [(await browser.log_in(ANN, wish)).status for wish in wishes]

    assert sorted(status for status, _ in answers) == [200] + [410] * 7
    assert logins == [200 if status == 200 else 401 for status, _ in answers]
    assert [template for template, _ in world.mails].count("password-changed") == 1


async def test_all_other_tokens_are_spent(ann: str, browser: Browser, world: World) -> None:
    for _ in range(3):
        await _forget(browser)
    first, second, third = _tokens(world)

    await _reset(browser, second)

    assert [(await _reset(browser, each, "yet another long password"))[0] for each in (first, third)] == [410, 410]


async def test_a_change_of_password_spends_them_too(ann: str, browser: Browser, world: World) -> None:
    await _forget(browser)
    await browser.log_in(ANN)
    change = {"current_password": PASSWORD, "new_password": OTHER}
    assert (await browser.send("PUT", "/api/auth/password", json=change)).status == 200

    status, _ = await _reset(browser, *_tokens(world), "yet another long password")

    assert status == 410


async def test_after_ten_minutes_a_token_is_gone(ann: str, browser: Browser, world: World) -> None:
    await _forget(browser)
    world.clock.advance(seconds=599)
    refused, _ = await _reset(browser, *_tokens(world), "too short")
    world.clock.advance(seconds=1)

    status, problem = await _reset(browser, *_tokens(world))

    assert refused == 422
    assert (status, problem["type"]) == (410, "/problems/spent-token")
    assert (await browser.log_in(ANN)).status == 200


@pytest.mark.parametrize("token", ["x", "A" * 43, "\u202e" * 20])
async def test_an_unknown_token_is_not_found(ann: str, browser: Browser, token: str) -> None:
    status, problem = await _reset(browser, token)

    assert (status, problem["type"]) == (404, "/problems/unknown-token")


async def test_an_unknown_address_gets_the_same_answer_and_no_mail(ann: str, browser: Browser, world: World) -> None:
    known, unknown = await _forget(browser), await _forget(browser, "nobody@shop.example")

    assert known == unknown
    assert [recipient.email for template, recipient in world.mails if template == "reset"] == [ANN]


async def test_an_unknown_address_costs_the_same_reads_and_writes(ann: str, world: World) -> None:
    unproven = "una@shop.example"
    await register(world.deps, Wish(unproven, "Una", Password(PASSWORD)))

    async def work(email: str) -> tuple[int, int, int]:
        reads, writes, keys = world.data_keys.reads, len(world.resets.stored), set(world.data_keys.stored)
        people = PersonalFields(world.keys, world.data_keys, purposes=Settings.purposes)
        accounts = CountedAccounts(world)
        deps = replace(world.deps, people=people, accounts=accounts)
        await ask_reset(deps, email, language="en", visit=Visit("Firefox"))
        assert set(world.data_keys.stored) == keys
        return world.data_keys.reads - reads, accounts.finds, len(world.resets.stored) - writes

    assert [await work(email) for email in ("nobody@shop.example", ANN, unproven)] == [(1, 1, 1)] * 3


class CountedAccounts(MemoryAccounts):
    """The world's accounts, and how often they were asked for an address."""

    def __init__(self, world: World) -> None:
        super().__init__(world.notes)
        self.stored = world.accounts.stored
        self.finds = 0

    async def find_by_email(self, email_key: str) -> Account | None:
        self.finds += 1
        return await super().find_by_email(email_key)


async def test_a_data_key_that_is_remembered_saves_no_turn_to_the_database(ann: str, world: World) -> None:
    await ask_reset(world.deps, ANN, language="en", visit=Visit("Firefox"))
    reads = world.data_keys.reads

    await ask_reset(world.deps, ANN, language="en", visit=Visit("Firefox"))

    assert world.data_keys.reads > reads


async def test_a_token_of_nobody_opens_nothing(browser: Browser, world: World) -> None:
    await _forget(browser, "nobody@shop.example")

    assert [each.account_id for each in world.resets.stored.values()] == [""]
    assert world.resets.events == []


async def test_who_never_proved_the_address_proves_it_with_the_new_password(browser: Browser, world: World) -> None:
    await register(world.deps, Wish(ANN, "Mallory", Password("the stranger's password")))
    link = world.mails[-1][1].link.partition("t=")[2]
    assert (await _forget(browser))[0] == 202

    assert (await _reset(browser, *_tokens(world)))[0] == 200

    answer = await browser.log_in(ANN, OTHER)
    assert (answer.status, (await answer.json())["account"]["name"]) == (200, "Customer")
    verify = await browser.send("POST", "/api/auth/accounts/verify", json={"token": link})
    assert verify.status == 404
    assert (await browser.log_in(ANN, "the stranger's password")).status == 401
    assert "Mallory" not in {recipient.name for template, recipient in world.mails if template != "verify"}
    assert [event.type for event in world.accounts.events].count(AccountVerified.TYPE) == 1


async def test_strangers_cannot_flood_an_address(ann: str, browser: Browser, world: World) -> None:
    for email in (ANN, "nobody@shop.example"):
        statuses = [(await _forget(browser, email))[0] for _ in range(6)]
        assert statuses == [202] * (3 + 1) + [429] * 2
    assert len(_tokens(world)) == 3 + 1


async def _forget_from(browser: Browser, number: int) -> int:
    headers = {"X-Forwarded-For": f"100.64.{number}.1"}
    return (await browser.send("POST", "/api/auth/password/forgot", json={"email": ANN}, headers=headers)).status


async def test_strangers_elsewhere_do_not_use_up_the_owners_mails(ann: str, browser: Browser, world: World) -> None:
    statuses = [await _forget_from(browser, number) for number in (1, 2) for _ in range(8)]

    assert statuses.count(202) == 3 + 3 + 1
    assert await _forget_from(browser, 9) == 202


async def test_from_everywhere_twelve_a_day_and_then_one_an_hour(ann: str, browser: Browser, world: World) -> None:
    first = [await _forget_from(browser, number) for number in range(40)]
    later = []
    for _ in range(4):
        world.clock.advance(seconds=3600)
        later.append([await _forget_from(browser, number) for number in range(3)])

    assert first == [202] * (12 + 1) + [429] * 27
    assert later == [[202, 429, 429]] * 4


async def test_whoever_is_refused_is_told_to_come_again_within_the_hour(ann: str, browser: Browser) -> None:
    answers = [await browser.send("POST", "/api/auth/password/forgot", json={"email": ANN}) for _ in range(5)]

    assert int(answers[-1].headers["Retry-After"]) == 3601


@pytest.mark.parametrize("way", ["session", "remembered"])
async def test_strangers_cannot_keep_the_owners_browser_from_it(
    ann: str, browser: Browser, world: World, way: str
) -> None:
    await browser.log_in(ANN, remember=way == "remembered")
    if way == "remembered":
        browser.close()
    stranger = _stranger(browser)
    for number in range(40):
        await _forget_from(stranger, number)

    answer = await browser.client.post(
        "/api/auth/password/forgot",
        json={"email": ANN},
        headers={"Sec-Fetch-Site": "same-origin", "Cookie": "; ".join(f"{k}={v}" for k, v in browser.jar.items())},
    )

    assert answer.status == 202
    assert len(_tokens(world)) == 12 + 1 + 1


async def test_registrations_and_resets_do_not_use_up_each_others_mails(
    ann: str, browser: Browser, world: World
) -> None:
    for _ in range(7):
        await register(world.deps, Wish(ANN, "Mallory", Password("the stranger's password")))

    assert (await _forget(browser))[0] == 202
    assert len(_tokens(world)) == 1


async def test_afterwards_the_login_is_open_again(ann: str, browser: Browser, world: World) -> None:
    for _ in range(TRIES.most + 1):
        await browser.log_in(ANN, "not the right password")
    assert (await browser.log_in(ANN)).status == 429
    await _forget(browser)

    await _reset(browser, *_tokens(world))

    assert (await browser.log_in(ANN, OTHER)).status == 200


async def test_a_passkey_that_a_stranger_has_added_does_not_outlive_the_reset(browser: Browser, world: World) -> None:
    """Mallory registers Ann's address, and Ann follows the link."""
    await register(world.deps, Wish(ANN, "Mallory", Password(PASSWORD)))
    await verify_address(world.deps, world.mails[-1][1].link.partition("t=")[2])
    mallory, phone = _stranger(browser), a_phone()
    await mallory.log_in(ANN)
    added = await add_passkey(mallory, phone)
    await _forget(browser)
    [token] = _tokens(world)

    assert (await _reset(browser, token, "k7#vq9!z"))[0] == 422  # no second factor stands beside it any more
    assert (await _reset(browser, token))[0] == 200

    assert (await use(mallory, await an_assertion(mallory, phone))).status == 401
    assert (await browser.log_in(ANN, OTHER)).status == 200
    told = [template for template, _ in world.mails]
    assert (told.count("password-changed"), told.count("second-factor-changed")) == (1, 2)  # once when it was added
    removed = [note.details for _, note in world.trail.stored if note.what == "passkey-removed"]
    assert removed == [{"passkey": added["passkey"]["id"], "by": "reset"}]


async def test_whose_address_a_stranger_has_registered_gets_out_of_it_by_a_mailed_reset(
    ann: str, browser: Browser, world: World
) -> None:
    """Ann has followed the link of a registration that was not hers; the stranger then adds an authenticator."""
    mallory = _stranger(browser)
    await mallory.log_in(ANN)
    totp, codes = await set_up_totp(mallory, world)
    world.clock.advance(days=29)
    await _forget(browser)

    assert (await _reset(browser, *_tokens(world)))[0] == 200

    assert (await browser.log_in(ANN, OTHER)).status == 200
    assert (await mallory.log_in(ANN, otp=totp.at(world.clock()))).status == 401
    assert (await mallory.log_in(ANN, recovery_code=codes[0])).status == 401
    removed = [note.details for _, note in world.trail.stored if note.what == "authenticator-removed"]
    assert removed == [{"by": "reset"}]


async def test_an_authenticator_to_which_nobody_has_objected_for_thirty_days_stays(
    ann: str, browser: Browser, world: World
) -> None:
    await browser.log_in(ANN)
    await set_up_totp(browser, world)
    world.clock.advance(days=30)
    await _forget(browser)

    assert (await _reset(browser, *_tokens(world)))[0] == 200

    assert await problem_of(await browser.log_in(ANN, OTHER)) == (401, "second-factor-required")


async def test_who_typed_the_mailed_code_keeps_the_authenticator(browser: Browser, world: World) -> None:
    await register(world.deps, Wish(ANN, "Ann Example", Password(PASSWORD)))
    await verify_by_code(world.deps, ANN, MailedCode(world.mails[-1][1].code))
    await browser.log_in(ANN)
    await set_up_totp(browser, world)
    await _forget(browser)

    assert (await _reset(browser, *_tokens(world)))[0] == 200

    assert await problem_of(await browser.log_in(ANN, OTHER)) == (401, "second-factor-required")


async def test_a_change_of_address_that_waits_ends_with_the_password(ann: str, browser: Browser, world: World) -> None:
    mallory = _stranger(browser)
    await mallory.log_in(ANN)
    assert (await mallory.send("PUT", "/api/auth/email", json={"email": "mallory@shop.example"})).status == 202
    link = next(mail.link for template, mail in world.mails if template == "email-confirm")
    await _forget(browser)

    assert (await _reset(browser, *_tokens(world)))[0] == 200

    answer = await browser.send("POST", "/api/auth/email/confirm", json={"token": link.partition("t=")[2]})
    assert await problem_of(answer) == (404, "unknown-token")


async def test_the_authenticator_stays_with_its_recovery_codes_where_a_passkey_goes(
    browser: Browser, world: World
) -> None:
    await register(world.deps, Wish(ANN, "Ann Example", Password(PASSWORD)))
    await verify_by_code(world.deps, ANN, MailedCode(world.mails[-1][1].code))
    await browser.log_in(ANN)
    await add_passkey(browser, a_phone())
    await set_up_totp(browser, world)
    [before] = world.accounts.stored.values()
    await _forget(browser)

    assert (await _reset(browser, *_tokens(world)))[0] == 200

    [account] = world.accounts.stored.values()
    assert account.factors == replace(before.factors, passkeys=())
    assert (await browser.log_in(ANN, OTHER)).status == 401


def test_staff_are_not_left_without_a_second_factor() -> None:
    passkey = Passkey(b"id", b"key", 0, b"name", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    alone = Factors(passkeys=(passkey,), recovery=(b"hash",))
    both = replace(alone, authenticator=Authenticator(b"secret"))

    assert alone.after_reset(staff=True) == alone
    assert alone.after_reset(staff=False) == Factors()
    assert both.after_reset(staff=True) == replace(both, passkeys=())


async def test_a_second_factor_stays(browser: Browser, world: World) -> None:
    secret = await add_staff(world.deps, NewStaff("sue@staff.example", "Sue", "support", Password(PASSWORD)))
    await _forget(browser, "sue@staff.example")

    assert (await _reset(browser, *_tokens(world), "k7#vq9!z"))[0] == 200  # eight will do beside a second factor

    [account] = world.accounts.stored.values()
    assert account.password_is_long is False
    assert (await browser.log_in("sue@staff.example", "k7#vq9!z")).status == 401
    otp = pyotp.TOTP(secret).at(world.clock())
    assert (await browser.log_in("sue@staff.example", "k7#vq9!z", otp=otp)).status == 200


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("k7#vq9!z", "password-too-short"),
        ("passwordpassword", "password-too-obvious"),
        ("1qaz2wsx3edc4rfv", "password-too-common"),
        ("ann@shop.example", "password-too-obvious"),
        ("Ann Example Ann", "password-too-obvious"),
        ("x" * 1025, "password-too-long"),
        ({"$ne": None}, "invalid-password"),
        ("fifteen characters\0", "unfit_text"),
        ("fifteen characters\ud800", "unfit_text"),
    ],
)
async def test_a_bad_password_is_refused_by_field_and_the_token_still_counts(
    ann: str, browser: Browser, world: World, password: Any, code: str
) -> None:
    await _forget(browser)
    [token] = _tokens(world)

    status, problem = await _reset(browser, token, password)

    assert status == 422
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("/password", code)]
    assert (await _reset(browser, token))[0] == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": {"$gt": ""}}, "/email"),
        ({"email": '"ann"@shop.example'}, "/email"),
        ({"email": "\u0430nn@shop.example"}, "/email"),  # Cyrillic
        ({"email": ANN, "account": "a-1"}, "/account"),
        ({}, "/email"),
    ],
)
async def test_bad_input_is_refused_by_field(browser: Browser, world: World, body: Any, pointer: str) -> None:
    answer = await browser.send("POST", "/api/auth/password/forgot", json=body)

    assert answer.status == 422
    assert [each["pointer"] for each in (await answer.json())["errors"]] == [pointer]
    assert not world.resets.stored


async def test_a_megabyte_of_password_is_not_even_read(browser: Browser) -> None:
    assert (await _reset(browser, "t", "x" * 1_000_000))[0] == 413
