"""What is no passkey: registrations and assertions that were made elsewhere, before, by others, or not at all."""

import asyncio
import copy
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from deploy.outside.authenticator import Authenticator, cbor, from_base64url, to_base64url
from services.auth.factors.passkeys import ASKS
from tests.unit.auth.doubles import Browser, World
from tests.unit.auth.people import (
    ANN,
    BOB,
    LOG_IN,
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


BAD_AUTHENTICATORS: dict[str, Callable[[], Authenticator]] = {
    "another origin": lambda: Authenticator("https://shop.example.evil"),
    "the origin without TLS": lambda: Authenticator("http://shop.example"),
    "another port": lambda: Authenticator("https://shop.example:8443"),
    "another relying party": lambda: a_phone(rp_id="evil.example"),
    "a subdomain": lambda: a_phone(rp_id="www.shop.example"),
    "no user verification": lambda: a_phone(verifies_user=False),
    "a frame of another site": lambda: a_phone(cross_origin=True),
}


@pytest.mark.parametrize("trouble", BAD_AUTHENTICATORS)
async def test_a_registration_is_refused_for(ann: Browser, world: World, trouble: str) -> None:
    credential = BAD_AUTHENTICATORS[trouble]().create(await new_options(ann))

    assert await problem_of(await add(ann, credential)) == (422, "passkey-refused")
    assert not next(iter(world.accounts.stored.values())).factors.any


async def test_a_registration_is_taken_once(ann: Browser) -> None:
    options = await new_options(ann)
    credential = a_phone().create(options)

    first, replayed = await add(ann, credential), await add(ann, credential)
    another = await add(ann, a_phone().create(options))

    assert first.status == 201
    assert await problem_of(replayed) == (422, "passkey-refused")
    assert await problem_of(another) == (422, "passkey-refused")


async def test_a_registration_that_failed_cannot_be_tried_again_with_its_challenge(ann: Browser) -> None:
    options = await new_options(ann)
    await add(ann, a_phone(verifies_user=False).create(options))

    assert await problem_of(await add(ann, a_phone().create(options))) == (422, "passkey-refused")


async def test_a_registration_for_an_expired_challenge_is_refused(ann: Browser, world: World) -> None:
    credential = a_phone().create(await new_options(ann))
    world.clock.advance(seconds=300)

    assert await problem_of(await add(ann, credential)) == (422, "passkey-refused")


async def test_a_challenge_of_a_login_registers_nothing(ann: Browser) -> None:
    options = await new_options(ann) | {"challenge": (await login_options(ann))["challenge"]}

    assert await problem_of(await add(ann, a_phone().create(options))) == (422, "passkey-refused")


async def test_a_challenge_of_another_account_registers_nothing(ann: Browser, stranger: Browser, world: World) -> None:
    await a_customer(world, BOB, "Bob")
    await stranger.log_in(BOB)
    credential = a_phone().create(await new_options(stranger))

    assert await problem_of(await add(ann, credential)) == (422, "passkey-refused")


GARBAGE = [
    b"",
    b"\xff" * 40,
    cbor({"fmt": "none", "attStmt": {}, "authData": b"short"}),
    cbor({"fmt": "none", "attStmt": {}, "authData": b"\x41" * 60}),
    cbor({"fmt": "none", "attStmt": {}}),
    cbor({"fmt": "tpm", "attStmt": {"ver": "2.0"}, "authData": bytes(37)}),
    cbor({"fmt": 7, "attStmt": 7, "authData": 7}),
    b"\x9f" * 3000,
    b"\xa1" * 3000,
]


@pytest.mark.parametrize("attestation", GARBAGE, ids=range(len(GARBAGE)))
async def test_garbage_is_refused_as_any_other_registration(ann: Browser, attestation: bytes) -> None:
    credential = a_phone().create(await new_options(ann))
    credential["response"]["attestationObject"] = to_base64url(attestation) or "AA"

    assert await problem_of(await add(ann, credential)) == (422, "passkey-refused")


async def test_a_key_that_is_no_point_of_its_curve_is_refused(ann: Browser) -> None:
    credential = a_phone().create(await new_options(ann))
    raw = from_base64url(credential["response"]["attestationObject"])
    credential["response"]["attestationObject"] = to_base64url(raw[:-32] + bytes([1]) * 32)

    assert await problem_of(await add(ann, credential)) == (422, "passkey-refused")


# Assertions that must not log in.


@pytest.mark.parametrize("trouble", BAD_AUTHENTICATORS)
async def test_an_assertion_is_refused_for(ann: Browser, stranger: Browser, trouble: str) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)
    bad = BAD_AUTHENTICATORS[trouble]()
    bad.credentials = phone.credentials

    alone = await use(stranger, await an_assertion(stranger, bad))
    beside = await stranger.log_in(ANN, passkey=await an_assertion(stranger, bad))

    assert await problem_of(alone) == (401, "wrong-credentials")
    assert await problem_of(beside) == (401, "wrong-credentials")
    assert not stranger.jar


async def test_an_assertion_is_taken_once_also_when_many_come_at_once(ann: Browser, stranger: Browser) -> None:
    phone = a_phone(counts=False)
    await add_passkey(ann, phone)
    assertion = await an_assertion(stranger, phone)

    answers = await asyncio.gather(*(use(stranger.copy(), assertion) for _ in range(5)))
    later = await use(stranger, assertion)

    assert sorted(answer.status for answer in answers) == [200] + [401] * 4
    assert later.status == 401


async def test_an_assertion_of_a_login_is_no_second_factor_afterwards(ann: Browser, stranger: Browser) -> None:
    phone = a_phone(counts=False)
    await add_passkey(ann, phone)
    assertion = await an_assertion(stranger, phone)
    await use(stranger.copy(), assertion)

    assert (await stranger.log_in(ANN, passkey=assertion)).status == 401


async def test_an_assertion_for_an_expired_challenge_is_refused(ann: Browser, stranger: Browser, world: World) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)
    assertion = await an_assertion(stranger, phone)
    world.clock.advance(seconds=300)

    assert (await use(stranger, assertion)).status == 401


async def test_an_assertion_for_a_challenge_of_its_own_making_is_refused(ann: Browser, stranger: Browser) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)

    assert (await use(stranger, phone.get({"challenge": to_base64url(bytes(32))}))).status == 401


async def test_a_challenge_of_a_registration_logs_nobody_in(ann: Browser, stranger: Browser) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)

    assert (await use(stranger, phone.get(await new_options(ann)))).status == 401


@pytest.mark.parametrize("part", ["signature", "authenticatorData", "clientDataJSON"])
async def test_an_altered_assertion_is_refused(ann: Browser, stranger: Browser, part: str) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)
    assertion = await an_assertion(stranger, phone)
    raw = bytearray(from_base64url(assertion["response"][part]))
    raw[-1] ^= 1
    assertion["response"][part] = to_base64url(bytes(raw))

    assert await problem_of(await use(stranger, assertion)) == (401, "wrong-credentials")


async def test_the_answer_of_a_new_credential_is_no_assertion(ann: Browser, stranger: Browser) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)
    assertion = await an_assertion(stranger, phone)
    created = phone.create(await new_options(ann))
    assertion["response"]["clientDataJSON"] = created["response"]["clientDataJSON"]

    assert (await use(stranger, assertion)).status == 401


async def test_anothers_passkey_does_not_log_in_as_me(ann: Browser, stranger: Browser, world: World) -> None:
    anns, bobs = a_phone(), a_phone()
    await add_passkey(ann, anns)
    await a_customer(world, BOB, "Bob")
    bob = stranger.copy()
    await bob.log_in(BOB)
    await add_passkey(bob, bobs)
    bobs.credentials[0].user_handle = anns.credentials[0].user_handle

    as_ann = await use(stranger, await an_assertion(stranger, bobs))
    beside_anns_password = await stranger.log_in(ANN, passkey=await an_assertion(stranger, bobs))
    bobs.credentials[0].id = anns.credentials[0].id
    under_anns_id = await use(stranger, await an_assertion(stranger, bobs))

    assert [as_ann.status, beside_anns_password.status, under_anns_id.status] == [401] * 3
    assert not stranger.jar


async def test_a_user_handle_of_another_account_is_refused_beside_the_password(ann: Browser, stranger: Browser) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)
    phone.credentials[0].user_handle = b"somebody else"

    assert (await stranger.log_in(ANN, passkey=await an_assertion(stranger, phone))).status == 401


async def test_unknown_credentials_get_the_answer_of_a_wrong_password(ann: Browser, stranger: Browser) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)
    [own] = phone.credentials
    wrong = []
    pairs = ((own.user_handle, b"unknown"), (b"nobody", own.id), (b"\xff\xfe", own.id), (b"", own.id))
    for own.user_handle, own.id in pairs:
        wrong.append(await use(stranger, _without_blanks(await an_assertion(stranger, phone))))

    password = await (await stranger.log_in("nobody@shop.example")).json()
    bodies = [await answer.json() for answer in wrong]
    assert [body | {"instance": ""} for body in bodies] == [password | {"instance": ""}] * 4


def _without_blanks(assertion: dict[str, Any]) -> dict[str, Any]:
    """An authenticator that keeps no user handle sends none."""
    if not assertion["response"]["userHandle"]:
        del assertion["response"]["userHandle"]
    return assertion


async def test_a_passkey_that_counts_back_is_refused_and_noted(ann: Browser, stranger: Browser, world: World) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)
    copied = a_phone()
    copied.credentials = [copy.copy(phone.credentials[0])]
    for _ in range(2):
        await use(stranger.copy(), await an_assertion(stranger, phone))

    answer = await use(stranger, await an_assertion(stranger, copied))

    assert await problem_of(answer) == (401, "wrong-credentials")
    [refused] = [note for _, note in world.trail.stored if note.what == "login-refused"]
    assert refused.details == {"reason": "passkey-counts-back"}


async def test_a_forged_signature_with_an_old_count_notes_nothing(
    ann: Browser, stranger: Browser, world: World
) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)
    forged = a_phone()
    forged.create(await new_options(ann))
    forged.credentials[0].id, forged.credentials[0].sign_count = phone.credentials[0].id, -1
    forged.credentials[0].user_handle = phone.credentials[0].user_handle

    assert (await use(stranger, await an_assertion(stranger, forged))).status == 401
    assert not [note for _, note in world.trail.stored if note.what == "login-refused"]


async def test_an_erased_persons_passkey_opens_nothing(ann: Browser, stranger: Browser, world: World) -> None:
    phone = a_phone()
    await add_passkey(ann, phone)
    [account] = world.accounts.stored
    await world.deps.people.erase(account)

    assert (await use(stranger, await an_assertion(stranger, phone))).status == 401


async def test_challenges_are_stored_as_hashes_and_leave_when_they_are_used(stranger: Browser, world: World) -> None:
    options = await login_options(stranger)
    stored = repr(world.challenges.stored)

    await use(stranger, {**_any_assertion(), "response": _any_response(options["challenge"])})

    assert len(from_base64url(options["challenge"])) == 32
    assert repr(from_base64url(options["challenge"])) not in stored
    assert not world.challenges.stored


async def test_one_network_asks_for_so_many_challenges_and_no_more(stranger: Browser, world: World) -> None:
    statuses = {(await stranger.send("POST", f"{LOG_IN}/options")).status for _ in range(ASKS.most + 1)}

    assert statuses == {200, 429}
    assert len(world.challenges.stored) == ASKS.most


def _any_response(challenge: str) -> dict[str, str]:
    client_data = f'{{"type":"webauthn.get","challenge":"{challenge}","origin":"https://shop.example"}}'
    return {"clientDataJSON": to_base64url(client_data.encode()), "authenticatorData": "AAAA", "signature": "AAAA"}


def _any_assertion() -> dict[str, Any]:
    return {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": _any_response("AAAA")}


@pytest.mark.parametrize(
    ("place", "value", "pointer"),
    [
        ((), "text", "/credential"),
        (("id",), "A" * 1365, "/credential/id"),
        (("id",), "not base64url!", "/credential/id"),
        (("id",), "", "/credential/id"),
        (("type",), "password", "/credential/type"),
        (("response",), [], "/credential/response"),
        (("response", "signature"), "A" * 4097, "/credential/response/signature"),
        (("response", "signature"), {"$ne": ""}, "/credential/response/signature"),
        (("response", "clientDataJSON"), "A" * 4097, "/credential/response/clientDataJSON"),
        (("response", "userHandle"), "A" * 89, "/credential/response/userHandle"),
    ],
)
async def test_what_is_no_credential_is_refused_by_field(
    stranger: Browser, place: tuple[str, ...], value: Any, pointer: str
) -> None:
    answer = await use(stranger, _put(_any_assertion(), place, value))

    assert answer.status == 422
    assert [each["pointer"] for each in (await answer.json())["errors"]] == [pointer]


def _put(document: Any, place: tuple[str, ...], value: Any) -> Any:
    if not place:
        return value
    return document | {place[0]: _put(document.get(place[0]), place[1:], value)}


@pytest.mark.parametrize(
    "client_data",
    [b"", b"[]", b"{}", b'{"challenge": 7}', b'{"challenge": "A"}', b"[" * 3000, b'{"challenge": "\xff"}', b"\xff"],
)
async def test_client_data_that_is_none_is_a_wrong_credential(stranger: Browser, client_data: bytes) -> None:
    response = _any_response("AAAA") | {"clientDataJSON": to_base64url(client_data) or "A"}

    assert (await use(stranger, _any_assertion() | {"response": response})).status == 401


async def test_ids_that_decode_to_nothing_are_a_wrong_credential(stranger: Browser) -> None:
    assert (await use(stranger, _any_assertion() | {"id": "A", "rawId": "A"})).status == 401
