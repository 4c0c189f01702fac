"""Passkeys through the API, with an authenticator in software that makes and uses real credentials."""

import copy
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from deploy.outside.authenticator import from_base64url, to_base64url
from services.auth.config import Settings
from services.auth.factors.ceremonies import Party
from services.auth.factors.domain import MOST_PASSKEYS
from tests.unit.auth.doubles import Browser, World, some_settings
from tests.unit.auth.people import (
    ANN,
    BOB,
    PASSKEYS,
    SUE,
    a_colleague,
    a_customer,
    a_phone,
    add,
    add_passkey,
    an_assertion,
    login_options,
    new_options,
    problem_of,
    use,
)


@pytest.fixture
async def ann(world: World, browser: Browser) -> Browser:
    """Ann's browser, logged in by her password."""
    await a_customer(world)
    assert (await browser.log_in(ANN)).status == 200
    return browser


@pytest.fixture
def stranger(client: TestClient[Any, Any], world: World) -> Browser:
    """A browser without a cookie."""
    return Browser(client, world.settings)


async def test_the_options_ask_for_a_resident_key_that_checks_its_user(ann: Browser, world: World) -> None:
    options = await new_options(ann)

    [account] = world.accounts.stored
    assert options["rp"] == {"id": "shop.example", "name": "Tokyoflash Japan"}
    assert from_base64url(options["user"]["id"]).decode() == account
    assert (options["user"]["name"], options["user"]["displayName"]) == (ANN, "Ann Example")
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert (options["attestation"], options["timeout"]) == ("none", 300_000)
    assert len(from_base64url(options["challenge"])) == 32


async def test_a_passkey_is_added_under_a_name_that_is_sealed(ann: Browser, world: World) -> None:
    added = await add_passkey(ann, a_phone(), "Ann's phone")

    listed = (await (await ann.send("GET", PASSKEYS)).json())["items"]
    assert [(each["id"], each["name"]) for each in listed] == [(added["passkey"]["id"], "Ann's phone")]
    assert listed[0]["used_at"] is None
    assert "phone" not in repr(world.accounts.stored)


async def test_recovery_codes_come_with_the_first_second_factor(ann: Browser) -> None:
    first, second = await add_passkey(ann, a_phone()), await add_passkey(ann, a_phone())

    assert (len(first["recovery_codes"]), second["recovery_codes"]) == (10, [])


async def test_a_passkey_alone_logs_in_without_a_name(ann: Browser, stranger: Browser) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)

    options = await login_options(stranger)
    answer = await use(stranger, phone.get(options))

    body = await answer.json()
    assert (options["allowCredentials"], options["rpId"]) == ([], "shop.example")
    assert answer.status == 200
    assert (body["account"]["name"], body["fresh"], body["remembered"]) == ("Ann Example", True, False)
    assert (await stranger.send("GET", "/api/auth/mfa")).status == 200
    assert set(stranger.jar) == {stranger.name("session")}


async def test_the_box_works_with_a_passkey_too(ann: Browser, stranger: Browser) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)

    answer = await use(stranger, await an_assertion(stranger, phone), remember=True)

    assert (await answer.json())["remembered"] is True
    assert stranger.name("remember") in stranger.jar


async def test_a_passkey_is_a_second_factor_beside_the_password(ann: Browser, stranger: Browser) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)

    alone = await stranger.log_in(ANN)
    both = await stranger.log_in(ANN, passkey=await an_assertion(stranger, phone))

    assert await problem_of(alone) == (401, "second-factor-required")
    assert both.status == 200


async def test_a_passkey_saves_no_wrong_password(ann: Browser, stranger: Browser) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)

    answer = await stranger.log_in(ANN, "not the right password", passkey=await an_assertion(stranger, phone))

    assert await problem_of(answer) == (401, "wrong-credentials")


async def test_a_use_is_shown_with_its_time(ann: Browser, world: World) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)
    world.clock.advance(seconds=60)
    await use(ann, await an_assertion(ann, phone))

    [passkey] = (await (await ann.send("GET", PASSKEYS)).json())["items"]

    assert passkey["used_at"] == world.clock().isoformat().replace("+00:00", "Z")


async def test_passkeys_that_never_count_work_again_and_again(ann: Browser) -> None:
    phone = a_phone(counts=False)
    await add_passkey(ann, phone)

    statuses = [(await use(ann, await an_assertion(ann, phone))).status for _ in range(3)]

    assert statuses == [200] * 3


async def test_staff_log_in_with_a_passkey_alone_and_are_not_remembered(browser: Browser, world: World) -> None:
    sue = await a_colleague(world)
    await browser.log_in(SUE, otp=sue.at(world.clock()))
    phone = a_phone()
    await add_passkey(browser, phone)

    answer = await use(browser, await an_assertion(browser, phone), remember=True)

    body = await answer.json()
    assert (answer.status, body["account"]["roles"], body["remembered"]) == (200, ["customer", "support"], False)


async def test_a_removed_passkey_opens_nothing(ann: Browser, stranger: Browser, world: World) -> None:
    phone = a_phone()
    added = await add_passkey(ann, phone)

    answer = await ann.send("DELETE", f"{PASSKEYS}/{added['passkey']['id']}")

    assert answer.status == 204
    assert await problem_of(await use(stranger, await an_assertion(stranger, phone))) == (401, "wrong-credentials")
    [account] = world.accounts.stored.values()
    assert not account.factors.any
    assert account.factors.recovery == ()


async def test_only_ones_own_passkeys_can_be_removed(ann: Browser, stranger: Browser, world: World) -> None:
    added = await add_passkey(ann, a_phone())
    await a_customer(world, BOB, "Bob")
    await stranger.log_in(BOB)

    answer = await stranger.send("DELETE", f"{PASSKEYS}/{added['passkey']['id']}")

    assert await problem_of(answer) == (404, "passkey-not-found")
    assert len((await (await ann.send("GET", PASSKEYS)).json())["items"]) == 1


async def test_the_last_passkey_of_staff_stays(browser: Browser, world: World) -> None:
    sue = await a_colleague(world)
    await browser.log_in(SUE, otp=sue.at(world.clock()))
    added = await add_passkey(browser, a_phone())
    await browser.send("DELETE", "/api/auth/mfa/totp")

    answer = await browser.send("DELETE", f"{PASSKEYS}/{added['passkey']['id']}")

    assert await problem_of(answer) == (409, "staff-need-second-factor")


async def test_ten_passkeys_are_enough(ann: Browser) -> None:
    for number in range(MOST_PASSKEYS):
        await add_passkey(ann, a_phone(), f"Phone {number}")

    assert await problem_of(await ann.send("POST", f"{PASSKEYS}/options")) == (409, "too-many-passkeys")


async def test_an_eleventh_is_refused_also_with_options_from_before(ann: Browser) -> None:
    early = await new_options(ann)
    for number in range(MOST_PASSKEYS):
        await add_passkey(ann, a_phone(), f"Phone {number}")

    assert await problem_of(await add(ann, a_phone().create(early))) == (409, "too-many-passkeys")


async def test_a_passkey_that_is_there_is_named_and_refused(ann: Browser) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)
    options = await new_options(ann)
    [own] = phone.credentials

    twice = phone.create(options)
    again = _with_id(twice, own.id)

    assert options["excludeCredentials"] == [{"type": "public-key", "id": to_base64url(own.id)}]
    assert await problem_of(await add(ann, again)) == (409, "known-passkey")


def _with_id(credential: dict[str, Any], id: bytes) -> dict[str, Any]:
    """A registration of another credential under this id: nothing in it is signed."""
    raw = from_base64url(credential["response"]["attestationObject"])
    changed = copy.deepcopy(credential)
    old = from_base64url(credential["rawId"])
    changed["response"]["attestationObject"] = to_base64url(raw.replace(old, id))
    changed["id"] = changed["rawId"] = to_base64url(id)
    return changed


async def test_who_registers_anothers_credential_id_gets_nothing_of_theirs(
    ann: Browser, stranger: Browser, world: World
) -> None:
    phone, forged = a_phone(), a_phone()
    await add_passkey(ann, phone)
    await a_customer(world, BOB, "Bob")
    await stranger.log_in(BOB)
    copied = _with_id(forged.create(await new_options(stranger)), phone.credentials[0].id)
    assert (await add(stranger, copied)).status == 201

    answer = await use(stranger, await an_assertion(stranger, phone))

    assert (await answer.json())["account"]["name"] == "Ann Example"


async def test_changes_of_passkeys_are_told_to_the_owner_and_noted(ann: Browser, world: World) -> None:
    mails, notes = len(world.mails), len(world.trail.stored)

    added = await add_passkey(ann, a_phone())
    await ann.send("DELETE", f"{PASSKEYS}/{added['passkey']['id']}")

    assert [(template, each.email) for template, each in world.mails[mails:]] == [("second-factor-changed", ANN)] * 2
    assert [note.what for _, note in world.trail.stored[notes:]] == ["passkey-added", "passkey-removed"]


async def test_adding_one_needs_a_fresh_login_at_its_end_too(ann: Browser, world: World) -> None:
    world.clock.advance(seconds=899)
    made = a_phone().create(await new_options(ann))
    world.clock.advance(seconds=1)

    assert await problem_of(await add(ann, made)) == (403, "fresh-login-required")


@pytest.mark.parametrize(
    ("public_url", "party"),
    [
        ("https://shop.example", Party("shop.example", "https://shop.example")),
        ("https://localhost:8443", Party("localhost", "https://localhost:8443")),
        ("https://shop.example:443", Party("shop.example", "https://shop.example")),
        ("https://SHOP.example/watches", Party("shop.example", "https://shop.example")),
    ],
)
def test_the_relying_party_follows_from_where_browsers_reach_us(public_url: str, party: Party) -> None:
    settings: Settings = some_settings(public_url=public_url)

    assert Party.of(settings) == party
