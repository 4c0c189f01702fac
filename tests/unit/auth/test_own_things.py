"""What the API tells and does as the pages do: the account's own values, preferences, remembered browsers."""

from typing import Any

import pytest

from tests.unit.auth.doubles import PASSWORD, Browser, World
from tests.unit.auth.people import ANN, BOB, a_customer

REMEMBER = "/api/auth/remember"


@pytest.fixture
async def ann(world: World, browser: Browser) -> Browser:
    """Ann's browser, logged in and remembered."""
    await a_customer(world)
    assert (await browser.log_in(ANN, remember=True)).status == 200
    return browser


async def _items(browser: Browser) -> list[Any]:
    answer = await browser.send("GET", REMEMBER)
    assert answer.status == 200
    items: list[Any] = (await answer.json())["items"]
    return items


async def _another(browser: Browser, world: World, email: str = ANN) -> Browser:
    other = Browser(browser.client, world.settings)
    assert (await other.log_in(email, remember=True)).status == 200
    return other


async def test_the_owner_reads_address_and_language(ann: Browser, world: World) -> None:
    await ann.send("PUT", "/api/auth/preferences", json={"language": "de", "currency": "EUR"})

    shown = [
        await (await ann.send("GET", "/api/auth/session")).json(),
        await (await ann.send("POST", "/api/auth/session/confirm", json={"password": PASSWORD})).json(),
        await (await ann.log_in(ANN)).json(),
    ]

    assert [(each["account"]["email"], each["account"]["language"]) for each in shown] == [(ANN, "de")] * 3


async def test_preferences_are_shown_to_guests_too(browser: Browser) -> None:
    before = await browser.send("GET", "/api/auth/preferences", headers={"Accept-Language": "de-AT, en;q=0.5"})
    await browser.send("PUT", "/api/auth/preferences", json={"language": "ja", "currency": "USD"})
    after = await browser.send("GET", "/api/auth/preferences")

    assert await before.json() == {"language": "de", "currency": "JPY"}
    assert await after.json() == {"language": "ja", "currency": "USD"}


async def test_remembered_browsers_are_listed_also_when_they_are_closed(ann: Browser, world: World) -> None:
    world.clock.advance(seconds=60)
    (await _another(ann, world)).close()
    await a_customer(world, BOB, "Bob")
    await _another(ann, world, BOB)

    items = await _items(ann)

    assert [each["current"] for each in items] == [False, True]
    assert all(each.keys() == {"id", "device", "created_at", "seen_at", "expires_at", "current"} for each in items)
    assert not any(each["id"] in world.remembered.stored for each in items)  # the series stays in its cookie


async def test_one_remembered_browser_is_forgotten_alone(ann: Browser, world: World) -> None:
    world.clock.advance(seconds=60)
    other = await _another(ann, world)
    other.close()
    [first, own] = await _items(ann)

    answer = await ann.send("DELETE", f"{REMEMBER}/{first['id']}")

    assert answer.status == 204
    assert [each["id"] for each in await _items(ann)] == [own["id"]]
    assert (await other.send("GET", "/api/auth/session")).status == 401
    assert (await ann.send("DELETE", f"{REMEMBER}/{first['id']}")).status == 404


async def test_nobody_lists_or_forgets_anothers(ann: Browser, world: World) -> None:
    await a_customer(world, BOB, "Bob")
    bob = await _another(ann, world, BOB)
    [anns] = await _items(ann)
    guest = Browser(ann.client, world.settings)

    statuses = [
        (await bob.send("DELETE", f"{REMEMBER}/{anns['id']}")).status,
        (await guest.send("DELETE", f"{REMEMBER}/{anns['id']}")).status,
        (await guest.send("GET", REMEMBER)).status,
    ]

    assert statuses == [404, 401, 401]
    assert [each["id"] for each in await _items(ann)] == [anns["id"]]
