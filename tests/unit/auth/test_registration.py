"""Registration and verification through the API."""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from services.auth.accounts.cleanup import clean_up
from services.auth.accounts.domain import Account
from services.auth.accounts.passwords import Password
from services.auth.accounts.registration import CODES, Wish, register, verify_address
from services.auth.deps import Deps
from services.auth.people import email_key
from services.auth.refusals import TooManyTries
from services.auth.trail.domain import Note
from services.auth.trail.pending import Noted
from shared.contracts.auth import AccountRegistered, AccountVerified, MessageRequested
from shared.events import Event
from tests.unit.auth.doubles import PASSWORD, SITE, Browser, MemoryAccounts, World, some_settings

ANN = {"email": "ann@shop.example", "name": "Ann Example", "password": PASSWORD}


async def _register(browser: Browser, **changes: Any) -> tuple[int, Any]:
    answer = await browser.send("POST", "/api/auth/accounts", json=ANN | changes)
    return answer.status, await answer.json()


async def _verify(browser: Browser, token: str) -> tuple[int, Any]:
    return await _prove(browser, token=token)


async def _prove(browser: Browser, **body: Any) -> tuple[int, Any]:
    answer = await browser.send("POST", "/api/auth/accounts/verify", json=body)
    return answer.status, await answer.json() | ({"instance": ""} if answer.status != 200 else {})


def _token(link: str) -> str:
    [token] = parse_qs(urlsplit(link).query)["t"]
    return token


def _token_of(world: World) -> str:
    return _token(world.mails[0][1].link)


async def test_registration_asks_for_proof_by_mail(browser: Browser, world: World) -> None:
    status, body = await _register(browser)

    assert (status, body) == (202, {"status": "accepted"})
    [(template, recipient)] = world.mails
    assert (template, recipient.name, recipient.email) == ("verify", "Ann Example", "ann@shop.example")
    assert recipient.link.startswith(f"{SITE}/verify?t=")
    assert [event.type for event in world.accounts.events] == [AccountRegistered.TYPE, MessageRequested.TYPE]


async def test_nothing_personal_is_stored_or_announced_in_clear(browser: Browser, world: World) -> None:
    await _register(browser)

    [account] = world.accounts.stored.values()
    [(_, recipient)] = world.mails
    everything = repr(account) + repr([event.data for event in world.accounts.events]) + repr(world.data_keys.stored)
    for secret in ("ann@", "Ann", PASSWORD, "argon2", _token(recipient.link)):
        assert secret not in everything


async def test_the_link_verifies_once(browser: Browser, world: World) -> None:
    await _register(browser)
    token = _token(world.mails[0][1].link)

    assert await _verify(browser, token) == (200, {"status": "verified"})
    again, problem = await _verify(browser, token)

    assert (again, problem["type"]) == (410, "/problems/spent-token")
    assert [event.type for event in world.accounts.events].count(AccountVerified.TYPE) == 1


async def test_of_parallel_uses_of_one_link_one_verifies(browser: Browser, world: World) -> None:
    await _register(browser)
    token = _token(world.mails[0][1].link)

    statuses = [status for status, _ in await asyncio.gather(*(_verify(browser, token) for _ in range(8)))]

    assert sorted(statuses) == [200] + [410] * 7
    assert [event.type for event in world.accounts.events].count(AccountVerified.TYPE) == 1


async def test_a_link_older_than_a_day_is_gone(browser: Browser, world: World) -> None:
    await _register(browser)
    world.clock.advance(days=1)

    status, _ = await _verify(browser, _token(world.mails[0][1].link))

    assert status == 410


async def test_the_code_beside_the_link_verifies_once(browser: Browser, world: World) -> None:
    await _register(browser)
    code = world.mails[0][1].code

    assert await _prove(browser, email="ANN@shop.example", code=code.lower().replace("-", "")) == (
        200,
        {"status": "verified"},
    )
    by_code, by_link = await _prove(browser, email=ANN["email"], code=code), await _verify(browser, _token_of(world))

    assert (by_code[0], by_link[0]) == (410, 410)
    assert (await browser.log_in(ANN["email"])).status == 200
    [account] = world.accounts.stored
    assert world.trail.stored[1] == (account, Note("verified", world.clock(), {"by": "code"}))


async def test_the_link_spends_the_code(browser: Browser, world: World) -> None:
    await _register(browser)
    await _verify(browser, _token_of(world))

    assert (await _prove(browser, email=ANN["email"], code=world.mails[0][1].code))[0] == 410


async def test_each_code_confirms_what_it_was_asked_with(browser: Browser, world: World) -> None:
    await _register(browser)
    await _register(browser, name="Mallory", password="the stranger's password")

    assert (await _prove(browser, email=ANN["email"], code=world.mails[0][1].code))[0] == 200

    assert (await (await browser.log_in(ANN["email"])).json())["account"]["name"] == "Ann Example"
    assert (await _prove(browser, email=ANN["email"], code=world.mails[1][1].code))[0] == 404


async def test_a_code_has_forty_bits_and_is_stored_keyed(browser: Browser, world: World) -> None:
    await _register(browser)

    code = world.mails[0][1].code
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", code)
    [account] = world.accounts.stored.values()
    bare = code.replace("-", "")
    guessed = {hashlib.sha256(form.encode()).digest() for form in (code, bare)}
    assert account.registrations[0].proof.code_hash not in guessed
    assert bare not in repr(account)
    assert code not in repr([event.data for event in world.accounts.events])


async def test_a_code_older_than_a_day_is_gone(browser: Browser, world: World) -> None:
    await _register(browser)
    world.clock.advance(days=1)

    assert (await _prove(browser, email=ANN["email"], code=world.mails[0][1].code))[0] == 410


async def test_a_wrong_code_says_the_same_for_known_and_unknown_addresses(browser: Browser, world: World) -> None:
    await _register(browser)
    await _register(browser, email="bob@shop.example")
    await _verify(browser, _token(world.mails[1][1].link))

    answers = [await _prove(browser, email=f"{who}@shop.example", code="0000-0000") for who in ("ann", "bob", "nobody")]

    assert answers == [answers[0]] * 3
    assert (answers[0][0], answers[0][1]["type"]) == (404, "/problems/unknown-token")


@pytest.mark.parametrize("email", [ANN["email"], "nobody@shop.example"])
async def test_codes_are_typed_ten_times(browser: Browser, world: World, email: str) -> None:
    await _register(browser)
    statuses = [(await _prove(browser, email=email, code="0000-0000"))[0] for _ in range(CODES.most)]

    waits = await _prove(browser, email=email, code=world.mails[0][1].code)
    by_link, _ = await _verify(browser, _token_of(world))

    assert statuses == [404] * CODES.most
    assert (waits[0], by_link) == (429, 200)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/token"}),
        ({"email": ANN["email"]}, {"/code"}),
        ({"code": "K7QF-2M9P"}, {"/email"}),
        ({"token": "x", "code": "K7QF-2M9P"}, {"/code"}),
        ({"token": "x", "email": ANN["email"], "code": "K7QF-2M9P"}, {"/code", "/email"}),
        ({"email": ANN["email"], "code": "K7QF"}, {"/code"}),
        ({"email": ANN["email"], "code": {"$ne": None}}, {"/code"}),
        ({"email": {"$ne": None}, "code": "K7QF-2M9P"}, {"/email"}),
        ({"token": {"$ne": None}}, {"/token"}),
        ({"token": ""}, {"/token"}),
        ({"token": "x" * 201}, {"/token"}),
    ],
)
async def test_a_proof_has_one_form(browser: Browser, body: dict[str, Any], pointers: set[str]) -> None:
    status, problem = await _prove(browser, **body)

    assert (status, {each["pointer"] for each in problem["errors"]}) == (422, pointers)


@pytest.mark.parametrize("token", ["x", "A" * 43, "\u202e" * 20])
async def test_an_unknown_token_is_not_found(browser: Browser, token: str) -> None:
    status, problem = await _verify(browser, token)

    assert (status, problem["type"]) == (404, "/problems/unknown-token")


async def test_a_known_address_gets_the_same_answer_and_another_mail(browser: Browser, world: World) -> None:
    await _register(browser)
    await _verify(browser, _token(world.mails[0][1].link))

    answer = await _register(browser, email="ANN@Shop.Example", name="Mallory", password="another long password")

    assert answer == (202, {"status": "accepted"})
    template, recipient = world.mails[-1]
    assert (template, recipient.name, recipient.email) == ("already-registered", "Ann Example", "ann@shop.example")
    assert recipient.link == f"{SITE}/login"
    assert len(world.accounts.stored) == 1
    assert (await browser.log_in("ann@shop.example")).status == 200


@pytest.mark.parametrize("followed", [0, 1])
async def test_each_link_confirms_what_it_was_asked_with(browser: Browser, world: World, followed: int) -> None:
    wishes = [("Ann Example", PASSWORD), ("Mallory", "the stranger's password")]
    for name, password in wishes:
        assert await _register(browser, name=name, password=password) == (202, {"status": "accepted"})
    links = [_token(recipient.link) for _, recipient in world.mails]

    assert (await _verify(browser, links[followed]))[0] == 200
    assert (await _verify(browser, links[1 - followed]))[0] == 404

    name, password = wishes[followed]
    right = await browser.log_in(ANN["email"], password)
    assert (right.status, (await right.json())["account"]["name"]) == (200, name)
    assert (await browser.log_in(ANN["email"], wishes[1 - followed][1])).status == 401


async def test_the_spelling_of_the_address_is_that_of_the_mail(browser: Browser, world: World) -> None:
    await _register(browser, email="ann@strasse.example")
    await _register(browser, email="Ann@strasse.example")

    await _verify(browser, _token(world.mails[1][1].link))
    await _register(browser, email="ann@strasse.example")

    assert (world.mails[-1][0], world.mails[-1][1].email) == ("already-registered", "Ann@strasse.example")


async def test_of_two_links_followed_at_once_one_confirms(browser: Browser, world: World) -> None:
    passwords = [PASSWORD, "the stranger's password"]
    for password in passwords:
        await _register(browser, password=password)
    links = [_token(recipient.link) for _, recipient in world.mails]

    statuses = [status for status, _ in await asyncio.gather(*(_verify(browser, link) for link in links))]
    logins = [(await browser.log_in(ANN["email"], password)).status for password in passwords]

    assert sorted(statuses) == [200, 404]
    assert logins == [200 if status == 200 else 401 for status in statuses]


def _overtaken(world: World, act: Callable[[Deps], Awaitable[None]]) -> Deps:
    """The next write is preceded by what somebody else does between its reading and its writing."""

    class Overtaken(MemoryAccounts):
        async def add(self, account: Account, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> None:
            await self._let_pass()
            await world.accounts.add(account, events, notes=notes)

        async def save(self, account: Account, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> Account:
            await self._let_pass()
            return await world.accounts.save(account, events, notes=notes)

        async def _let_pass(self) -> None:
            waiting, others[:] = others[:], []
            for other in waiting:
                await other(world.deps)

    others = [act]
    overtaken = Overtaken(world.notes)
    overtaken.stored = world.accounts.stored
    return replace(world.deps, accounts=overtaken)


async def _mallory_registers(deps: Deps) -> None:
    await register(deps, Wish(ANN["email"], "Mallory", Password("the stranger's password")))


async def test_a_link_counts_though_somebody_registers_at_that_moment(browser: Browser, world: World) -> None:
    await _register(browser)

    await verify_address(_overtaken(world, _mallory_registers), _token(world.mails[0][1].link))

    assert [template for template, _ in world.mails] == ["verify", "verify"]
    assert (await browser.log_in(ANN["email"])).status == 200
    assert (await _verify(browser, _token(world.mails[1][1].link)))[0] == 404


@pytest.mark.parametrize("earlier", [0, 1])
async def test_a_registration_waits_though_another_is_quicker(browser: Browser, world: World, earlier: int) -> None:
    for _ in range(earlier):  # else it is the account itself that another is quicker to open
        await _register(browser, name="Somebody")

    await register(_overtaken(world, _mallory_registers), Wish(ANN["email"], ANN["name"], Password(PASSWORD)))

    [account] = world.accounts.stored.values()
    assert len(account.registrations) == len(world.mails) == earlier + 2
    assert (await _verify(browser, _token(world.mails[-1][1].link)))[0] == 200
    assert (await browser.log_in(ANN["email"])).status == 200


async def test_who_registers_while_the_address_is_proven_changes_nothing(browser: Browser, world: World) -> None:
    await _register(browser)
    token = _token(world.mails[0][1].link)

    await _mallory_registers(_overtaken(world, lambda deps: verify_address(deps, token)))

    assert [template for template, _ in world.mails] == ["verify", "already-registered"]
    assert (await browser.log_in(ANN["email"])).status == 200


async def test_registrations_of_one_address_at_once_make_one_account(browser: Browser, world: World) -> None:
    answers = await asyncio.gather(*(_register(browser) for _ in range(4)))

    assert answers == [(202, {"status": "accepted"})] * 4
    [account] = world.accounts.stored.values()
    assert len(account.registrations) == len(world.mails) == 4


async def test_strangers_cannot_flood_an_address(browser: Browser, world: World) -> None:
    answers = [await _register(browser) for _ in range(8)]

    assert {status for status, _ in answers} == {202}
    assert len(world.mails) == 3 + 1


async def _mallory_from(world: World, networks: int, each: int = 1) -> None:
    for number in range(networks):
        for _ in range(each):
            wish = Wish(ANN["email"], "Mallory", Password("the stranger's password"), network=f"100.64.{number}.0/24")
            await register(world.deps, wish)


async def test_a_stranger_in_another_network_does_not_use_up_the_owners_mails(browser: Browser, world: World) -> None:
    await _mallory_from(world, 3, each=10)
    before = len(world.mails)

    await _register(browser)

    assert len(world.mails) == before + 1
    assert (await _verify(browser, _token(world.mails[-1][1].link)))[0] == 200
    assert (await browser.log_in(ANN["email"])).status == 200


async def test_from_all_networks_together_an_address_gets_twelve_a_day_and_one_an_hour(
    browser: Browser, world: World
) -> None:
    await _mallory_from(world, 40)
    first = len(world.mails)
    world.clock.advance(seconds=3600)

    await _register(browser)

    assert (first, len(world.mails)) == (12 + 1, 12 + 2)
    assert (await _verify(browser, _token(world.mails[-1][1].link)))[0] == 200


async def test_what_strangers_ask_for_pushes_out_no_link_of_the_owners(browser: Browser, world: World) -> None:
    await _register(browser)
    mine = _token(world.mails[0][1].link)
    for _ in range(23):
        await _mallory_from(world, 14)
        world.clock.advance(seconds=3600)

    assert len(world.mails) >= 12 + 20
    assert (await _verify(browser, mine))[0] == 200


async def test_the_wait_for_mails_does_not_grow(browser: Browser, world: World) -> None:
    for _ in range(5):
        before = len(world.mails)
        await _mallory_from(world, 40)
        assert len(world.mails) == before + 12 + 1
        world.clock.advance(days=1)


async def test_a_registration_by_page_counts_for_its_network(browser: Browser, world: World) -> None:
    form = {"email": ANN["email"], "name": "Mallory", "password": "the stranger's password"}
    for _ in range(6):
        await browser.send("POST", "/register", data=form, headers={"X-Forwarded-For": "100.64.0.1"})
    assert len(world.mails) == 3 + 1

    await browser.send("POST", "/register", data=form, headers={"X-Forwarded-For": "100.64.1.1"})

    assert len(world.mails) == 3 + 2


async def test_a_network_registers_only_so_often(world: World) -> None:
    world = World(some_settings(tries_per_network=3))
    wishes = [Wish(f"ann{n}@shop.example", "Ann", Password(PASSWORD), network="192.0.2.0/24") for n in range(4)]

    for wish in wishes[:3]:
        await register(world.deps, wish)
    with pytest.raises(TooManyTries):
        await register(world.deps, wishes[3])

    assert len(world.mails) == 3


async def test_what_nobody_proves_in_its_time_is_removed_with_its_key(browser: Browser, world: World) -> None:
    await _register(browser)
    await _register(browser, email="bob@shop.example")
    await _verify(browser, _token(world.mails[1][1].link))
    world.clock.advance(seconds=3600)
    await _register(browser, email="eve@shop.example")
    world.clock.advance(days=1, seconds=-1)

    await clean_up(world.deps)

    left = [email_key(world.deps.index, f"{who}@shop.example") for who in ("bob", "eve")]
    assert [account.email_key for account in world.accounts.stored.values()] == left
    assert set(world.data_keys.stored) == set(world.accounts.stored)


async def test_an_account_stays_while_one_of_its_links_counts(browser: Browser, world: World) -> None:
    await _register(browser)
    world.clock.advance(seconds=3600)
    await _register(browser)
    world.clock.advance(days=1, seconds=-1)

    await clean_up(world.deps)

    assert (await _verify(browser, _token(world.mails[1][1].link)))[0] == 200


@pytest.mark.parametrize("reads", [0, 1])
async def test_who_registers_while_the_last_try_is_removed_gets_an_account(
    browser: Browser, world: World, reads: int
) -> None:
    """`reads`: whether the removal comes before the data key is read, or between that and the write."""
    await _register(browser)
    world.clock.advance(days=1)
    others = [clean_up]

    class Removed(MemoryAccounts):
        async def find_by_email(self, email_key: str) -> Account | None:
            found = await world.accounts.find_by_email(email_key)
            if reads == 0:
                await self._let_pass()
            return found

        async def add(self, account: Account, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> None:
            await world.accounts.add(account, events, notes=notes)

        async def save(self, account: Account, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> Account:
            await self._let_pass()
            return await world.accounts.save(account, events, notes=notes)

        async def _let_pass(self) -> None:
            while others:
                await others.pop()(world.deps)

    await register(
        replace(world.deps, accounts=Removed(world.notes)), Wish(ANN["email"], ANN["name"], Password(PASSWORD))
    )

    assert (await _verify(browser, _token(world.mails[-1][1].link)))[0] == 200
    assert (await browser.log_in(ANN["email"])).status == 200
    assert set(world.data_keys.stored) == set(world.accounts.stored)


async def test_who_registers_first_keeps_the_account_from_being_removed(browser: Browser, world: World) -> None:
    await _register(browser)
    world.clock.advance(days=1)

    class Late(MemoryAccounts):
        async def abandoned(self, *, at: datetime, limit: int) -> list[Account]:
            found = await world.accounts.abandoned(at=at, limit=limit)
            if found:
                await register(world.deps, Wish(ANN["email"], ANN["name"], Password(PASSWORD)))
            return found

        async def remove(self, account: Account) -> bool:
            return await world.accounts.remove(account)

    await clean_up(replace(world.deps, accounts=Late(world.notes)))

    assert (await _verify(browser, _token(world.mails[-1][1].link)))[0] == 200


async def test_a_bad_address_and_a_short_password_are_told_together(browser: Browser) -> None:
    status, problem = await _register(browser, email="ann@localhost", password="fourteen chars")

    told = {(each["pointer"], each["code"]) for each in problem["errors"]}
    assert (status, told) == (422, {("/email", "invalid-email"), ("/password", "password-too-short")})
    assert "fourteen chars" not in str(problem)


async def test_the_mail_is_in_the_visitors_language(browser: Browser, world: World) -> None:
    await browser.send("POST", "/api/auth/accounts", json=ANN, headers={"Accept-Language": "de-AT,en;q=0.5"})

    [message] = [event for event in world.accounts.events if event.type == MessageRequested.TYPE]
    assert message.data["language"] == "de"


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"password": "fourteen chars"}, "/password", "password-too-short"),
        ({"password": "ann@shop.example"}, "/password", "password-too-obvious"),
        ({"password": "tokyoflash japan"}, "/password", "password-too-obvious"),
        ({"password": "x" * 1025}, "/password", "password-too-long"),
        ({"password": "passwordpassword"}, "/password", "password-too-obvious"),
        ({"password": "mailcreated5240"}, "/password", "password-too-common"),
        ({"password": "fifteen characters\ud800"}, "/password", "unfit_text"),
        ({"email": "\u0430nn@shop.example"}, "/email", "invalid-email"),
        ({"email": "ann\0@shop.example"}, "/email", "unfit_text"),
        ({"email": "a" * 250 + "@shop.example"}, "/email", "invalid-email"),
        ({"password": {"$ne": None}}, "/password", "invalid-password"),
        ({"password": "fifteen characters\0"}, "/password", "unfit_text"),
        ({"email": {"$gt": ""}}, "/email", "invalid-email"),
        ({"email": "ann@localhost"}, "/email", "invalid-email"),
        ({"email": '"ann example"@shop.example'}, "/email", "invalid-email"),
        ({"email": "ann@shop.example\nBcc: b@shop.example"}, "/email", "invalid-email"),
        ({"name": "=?utf-8?q?Ann?="}, "/name", "invalid-name"),
        ({"name": "Ann\r\nBcc: b@shop.example"}, "/name", "invalid-name"),
        ({"name": ["Ann"]}, "/name", "invalid-name"),
        ({"roles": ["admin"]}, "/roles", "extra_forbidden"),
    ],
)
async def test_bad_input_is_refused_by_field_and_changes_nothing(
    browser: Browser, world: World, changes: dict[str, Any], pointer: str, code: str
) -> None:
    status, problem = await _register(browser, **changes)

    assert status == 422
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [(pointer, code)]
    assert not world.accounts.stored
    assert not world.data_keys.stored


async def test_nothing_that_was_refused_is_logged(browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    for body in (ANN | {"password": "hunter2"}, ANN | {"name": "<Ann>"}, ANN | {"email": '"ann"@shop.example'}):
        await browser.send("POST", "/api/auth/accounts", json=body)
    await _verify(browser, "a-token-that-nobody-has")
    await _prove(browser, email=ANN["email"], code="K7QF-2M9P")

    logged = "".join(capsys.readouterr())
    assert "request" in logged
    for secret in ("hunter2", "Ann", "ann@", "@shop", "a-token-that", "K7QF", PASSWORD):
        assert secret not in logged


async def test_a_refusal_never_repeats_what_was_sent(browser: Browser) -> None:
    answer = await browser.send("POST", "/api/auth/accounts", json=ANN | {"password": "hunter2", "name": "<Ann>"})

    text = await answer.text()
    assert answer.status == 422
    assert "hunter2" not in text
    assert "<Ann>" not in text


@pytest.mark.parametrize("field", ["email", "name", "password"])
async def test_a_missing_field_is_named(browser: Browser, field: str) -> None:
    body = {name: value for name, value in ANN.items() if name != field}

    answer = await browser.send("POST", "/api/auth/accounts", json=body)

    assert answer.status == 422
    assert [each["pointer"] for each in (await answer.json())["errors"]] == [f"/{field}"]
