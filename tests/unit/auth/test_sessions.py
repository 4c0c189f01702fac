"""Sessions, devices and preferences through the API."""

from typing import Any

import pytest

from services.auth.accounts.passwords import Password
from services.auth.accounts.registration import Wish, register, verify_address
from tests.unit.auth.doubles import PASSWORD, Browser, World

ANN = "ann@shop.example"
BOB = "bob@shop.example"


async def _logged_in(world: World, client: Any, email: str, **more: Any) -> Browser:
    if await world.accounts.find_by_email(_key(world, email)) is None:
        await register(world.deps, Wish(email, "Ann Example", Password(PASSWORD)))
        await verify_address(world.deps, world.mails[-1][1].link.partition("t=")[2])
    browser = Browser(client, world.settings)
    assert (await browser.log_in(email, **more)).status == 200
    return browser


def _key(world: World, email: str) -> str:
    return world.deps.index.of("email", email)


async def test_the_session_shows_who_is_logged_in(world: World, client: Any) -> None:
    ann = await _logged_in(world, client, ANN)

    answer = await ann.send("GET", "/api/auth/session")

    [account] = world.accounts.stored
    assert await answer.json() == {
        "account": {
            "id": account,
            "name": "Ann Example",
            "email": ANN,
            "roles": ["customer"],
            "email_verified": True,
            "language": "en",
        },
        "fresh": True,
        "remembered": False,
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/auth/session"),
        ("GET", "/api/auth/sessions"),
        ("DELETE", "/api/auth/sessions"),
        ("DELETE", "/api/auth/sessions/x"),
        ("PUT", "/api/auth/password"),
        ("PUT", "/api/auth/email"),
        ("PUT", "/api/auth/name"),
        ("DELETE", "/api/auth/remember"),
    ],
)
async def test_a_guest_is_told_to_log_in(browser: Browser, method: str, path: str) -> None:
    answer = await browser.send(method, path)

    assert answer.status == 401
    assert answer.content_type == "application/problem+json"


async def test_devices_are_listed_with_the_current_one_marked(world: World, client: Any) -> None:
    phone = await _logged_in(world, client, ANN, remember=True)
    world.clock.advance(seconds=5)
    desk = await _logged_in(world, client, ANN)
    await _logged_in(world, client, BOB)

    items = (await (await desk.send("GET", "/api/auth/sessions")).json())["items"]

    assert [(each["current"], each["remembered"]) for each in items] == [(True, False), (False, True)]
    assert all(each["id"] not in phone.jar.values() for each in items)


async def test_a_device_can_be_logged_out_and_is_then_not_remembered(world: World, client: Any) -> None:
    phone = await _logged_in(world, client, ANN, remember=True)
    desk = await _logged_in(world, client, ANN)
    items = (await (await desk.send("GET", "/api/auth/sessions")).json())["items"]
    [other] = [each["id"] for each in items if not each["current"]]

    answer = await desk.send("DELETE", f"/api/auth/sessions/{other}")

    assert answer.status == 204
    assert (await phone.send("GET", "/api/auth/session")).status == 401
    assert (await desk.send("GET", "/api/auth/session")).status == 200


async def test_all_others_can_be_logged_out_at_once(world: World, client: Any) -> None:
    phone = await _logged_in(world, client, ANN, remember=True)
    desk = await _logged_in(world, client, ANN, remember=True)
    bob = await _logged_in(world, client, BOB)

    answer = await desk.send("DELETE", "/api/auth/sessions")

    assert answer.status == 204
    assert (await phone.send("GET", "/api/auth/session")).status == 401
    phone.close()
    assert (await phone.send("GET", "/api/auth/session")).status == 401
    for each in (desk, bob):
        assert (await each.send("GET", "/api/auth/session")).status == 200
    desk.close()
    assert (await desk.send("GET", "/api/auth/session")).status == 200


async def test_what_a_person_ends_is_noted_in_the_trail(world: World, client: Any) -> None:
    phone = await _logged_in(world, client, ANN)
    [account] = world.accounts.stored
    [session] = world.sessions.stored.values()
    desk = await _logged_in(world, client, ANN)
    tablet = Browser(client, world.settings)
    await tablet.log_in(ANN)

    await desk.send("DELETE", f"/api/auth/sessions/{session.id}")
    await desk.send("DELETE", "/api/auth/sessions")
    await tablet.log_in(ANN, remember=True)
    await desk.send("DELETE", "/api/auth/remember")
    await desk.send("DELETE", "/api/auth/session")
    await desk.send("DELETE", "/api/auth/session")
    await phone.send("DELETE", "/api/auth/session")

    assert world.trail.whats(account) == [
        "registered",
        "verified",
        "logged-in",
        "logged-in",
        "logged-in",
        "session-ended",
        "session-ended",
        "logged-in",
        "browser-forgotten",
        "logged-out",
    ]


async def test_where_nothing_is_left_to_end_nothing_is_noted(world: World, client: Any) -> None:
    desk = await _logged_in(world, client, ANN)
    [account] = world.accounts.stored

    await desk.send("DELETE", "/api/auth/sessions")
    await desk.send("DELETE", "/api/auth/remember")

    assert world.trail.whats(account) == ["registered", "verified", "logged-in"]


async def test_anothers_session_is_as_if_absent(world: World, client: Any) -> None:
    ann = await _logged_in(world, client, ANN)
    [hers] = [session.id for session in world.sessions.stored.values()]
    bob = await _logged_in(world, client, BOB)

    foreign = await bob.send("DELETE", f"/api/auth/sessions/{hers}")
    absent = await bob.send("DELETE", "/api/auth/sessions/0193-absent")

    assert foreign.status == absent.status == 404
    assert await foreign.json() | {"instance": ""} == await absent.json() | {"instance": ""}
    assert (await ann.send("GET", "/api/auth/session")).status == 200


async def test_forgetting_all_browsers_leaves_this_session(world: World, client: Any) -> None:
    phone = await _logged_in(world, client, ANN, remember=True)
    desk = await _logged_in(world, client, ANN, remember=True)

    answer = await desk.send("DELETE", "/api/auth/remember")

    assert answer.status == 204
    assert set(desk.jar) == {desk.name("session")}
    assert (await desk.send("GET", "/api/auth/session")).status == 200
    phone.close()
    assert (await phone.send("GET", "/api/auth/session")).status == 401


@pytest.mark.parametrize("language", ["en", "ja", "de"])
@pytest.mark.parametrize("currency", ["JPY", "USD", "EUR", "GBP"])
async def test_preferences_live_as_long_as_the_browser(browser: Browser, language: str, currency: str) -> None:
    chosen = {"language": language, "currency": currency}

    answer = await browser.send("PUT", "/api/auth/preferences", json=chosen)

    [cookie] = answer.headers.getall("Set-Cookie")
    assert await answer.json() == chosen
    assert cookie.startswith(f"{browser.name('prefs')}={language}.{currency};")
    assert "max-age" not in cookie.lower()
    assert "expires" not in cookie.lower()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"language": "fr", "currency": "JPY"}, "/language"),
        ({"language": "en", "currency": "DKK"}, "/currency"),
        ({"language": {"$ne": 1}, "currency": "JPY"}, "/language"),
        ({"language": "en", "currency": "JPY", "theme": "dark"}, "/theme"),
    ],
)
async def test_preferences_come_from_closed_lists(browser: Browser, body: Any, pointer: str) -> None:
    answer = await browser.send("PUT", "/api/auth/preferences", json=body)

    assert answer.status == 422
    assert [each["pointer"] for each in (await answer.json())["errors"]] == [pointer]
    assert not browser.jar


async def test_an_identity_that_was_forged_is_refused(world: World, client: Any) -> None:
    ann = await _logged_in(world, client, ANN)
    token = (await ann.identity("orders")).headers["X-Identity"]

    for forged in (token, "x.y.z", token[:-2]):
        answer = await client.get("/api/auth/session", headers={"X-Identity": forged})
        assert answer.status == 401


async def test_every_cookie_set_is_one_of_three(world: World, client: Any) -> None:
    ann = await _logged_in(world, client, ANN, remember=True)
    await ann.send("PUT", "/api/auth/preferences", json={"language": "de", "currency": "EUR"})
    ann.close()
    await ann.identity()

    assert set(ann.jar) <= {ann.name(kind) for kind in ("session", "prefs", "remember")}


async def test_the_contract_is_published(browser: Browser) -> None:
    document = await (await browser.send("GET", "/api/auth/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    assert {"/api/auth/accounts", "/api/auth/session", "/api/auth/sessions/{id}"} <= set(document["paths"])
    assert "/internal/identity" not in document["paths"]
