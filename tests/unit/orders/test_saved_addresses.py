"""Several addresses in a profile: through the API, for their owner alone."""

import asyncio
from typing import Any

import pytest

from tests.unit.orders.conftest import Client
from tests.unit.orders.doubles import MemoryProfiles
from tests.unit.orders.world import World

PROFILE, PATH = "/api/orders/profile", "/api/orders/profile/addresses"
HOME = {"line1": "1-2-3 Jingumae", "city": "Shibuya", "postcode": "150-0001", "country": "JP"}


def office(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"shipping": {"line1": f"Hauptstr. {number}", "city": "Berlin", "postcode": "10115", "country": "DE"}} | more


@pytest.fixture
def mine(world: World) -> dict[str, str]:
    return world.as_customer("a-1")


@pytest.fixture
async def profile(client: Client, mine: dict[str, str]) -> None:
    await client.put(PROFILE, json={"name": "Ann Example", "shipping": HOME}, headers=mine)


async def _cities(client: Client, mine: dict[str, str]) -> list[tuple[str, bool]]:
    items = (await (await client.get(PATH, headers=mine)).json())["items"]
    return [(item["shipping"]["line1"], item["is_default"]) for item in items]


@pytest.mark.usefixtures("profile")
async def test_one_more_is_added_behind_the_default(client: Client, mine: dict[str, str]) -> None:
    added = await client.post(PATH, json=office(), headers=mine)

    view = await added.json()
    assert (added.status, added.headers["Location"]) == (201, f"{PATH}/{view['id']}")
    assert await _cities(client, mine) == [("1-2-3 Jingumae", True), ("Hauptstr. 1", False)]


@pytest.mark.usefixtures("profile")
async def test_a_new_default_is_what_the_profile_shows(client: Client, mine: dict[str, str]) -> None:
    await client.post(PATH, json=office(is_default=True), headers=mine)

    assert await _cities(client, mine) == [("Hauptstr. 1", True), ("1-2-3 Jingumae", False)]
    shown = await (await client.get(PROFILE, headers=mine)).json()
    assert shown["shipping"]["city"] == "Berlin"


@pytest.mark.usefixtures("profile")
async def test_an_address_is_changed_and_made_the_default(client: Client, mine: dict[str, str]) -> None:
    added = await (await client.post(PATH, json=office(), headers=mine)).json()

    changed = await client.put(f"{PATH}/{added['id']}", json=office(2, is_default=True), headers=mine)

    assert changed.status == 204
    assert await _cities(client, mine) == [("Hauptstr. 2", True), ("1-2-3 Jingumae", False)]


@pytest.mark.usefixtures("profile")
async def test_where_the_default_is_forgotten_the_next_one_is_it(client: Client, mine: dict[str, str]) -> None:
    await client.post(PATH, json=office(), headers=mine)

    gone = await client.delete(f"{PATH}/home", headers=mine)
    last = await client.delete(f"{PATH}/{(await _ids(client, mine))[0]}", headers=mine)

    assert (gone.status, last.status, (await last.json())["type"]) == (204, 409, "/problems/last-address")
    assert await _cities(client, mine) == [("Hauptstr. 1", True)]


async def _ids(client: Client, mine: dict[str, str]) -> list[str]:
    return [item["id"] for item in (await (await client.get(PATH, headers=mine)).json())["items"]]


@pytest.mark.usefixtures("profile")
async def test_a_new_profile_keeps_the_other_addresses(client: Client, mine: dict[str, str]) -> None:
    await client.post(PATH, json=office(), headers=mine)

    await client.put(PROFILE, json={"name": "Ann", "shipping": HOME | {"line1": "4-5-6 Jingumae"}}, headers=mine)

    assert await _cities(client, mine) == [("4-5-6 Jingumae", True), ("Hauptstr. 1", False)]


@pytest.mark.usefixtures("profile")
async def test_ten_are_the_most_and_none_is_lost_of_those_that_are_added_at_once(
    client: Client, mine: dict[str, str]
) -> None:
    answers = [await client.post(PATH, json=office(n), headers=mine) for n in range(6)]
    answers += await asyncio.gather(*(client.post(PATH, json=office(n), headers=mine) for n in range(6, 12)))

    refused = [answer for answer in answers if answer.status == 409]
    assert {(await answer.json())["type"] for answer in refused} == {"/problems/too-many-addresses"}
    assert len(await _cities(client, mine)) == 1 + len(answers) - len(refused) == 10


@pytest.mark.usefixtures("profile")
async def test_what_is_not_there_is_not_changed_or_forgotten(
    client: Client, world: World, mine: dict[str, str]
) -> None:
    added = await (await client.post(PATH, json=office(), headers=mine)).json()
    other = world.as_customer("a-2")
    await client.put(PROFILE, json={"name": "Bob", "shipping": HOME}, headers=other)

    answers = [
        await client.put(f"{PATH}/none", json=office(), headers=mine),
        await client.delete(f"{PATH}/none", headers=mine),
        await client.put(f"{PATH}/{added['id']}", json=office(), headers=other),
        await client.delete(f"{PATH}/{added['id']}", headers=other),
    ]

    assert [answer.status for answer in answers] == [404] * 4
    assert len(await _cities(client, mine)) == 2


async def test_without_a_profile_there_is_no_name_to_send_to(client: Client, mine: dict[str, str]) -> None:
    answers = [await client.get(PATH, headers=mine), await client.post(PATH, json=office(), headers=mine)]

    assert [answer.status for answer in answers] == [404, 404]


@pytest.mark.usefixtures("profile")
async def test_a_remembered_browser_gives_the_password_first(client: Client, world: World) -> None:
    remembered = world.as_customer("a-1", fresh=False)

    answers = [
        await client.get(PATH, headers=remembered),
        await client.post(PATH, json=office(), headers=remembered),
        await client.put(f"{PATH}/home", json=office(), headers=remembered),
        await client.delete(f"{PATH}/home", headers=remembered),
    ]

    assert {(answer.status, (await answer.json())["type"]) for answer in answers} == {
        (403, "/problems/fresh-login-required")
    }


@pytest.mark.usefixtures("profile")
async def test_they_are_sealed(client: Client, world: World, mine: dict[str, str]) -> None:
    await client.post(PATH, json=office(), headers=mine)

    profiles = world.stores.profiles
    assert isinstance(profiles, MemoryProfiles)
    assert b"Hauptstr" not in profiles.profiles["a-1"].box


@pytest.mark.usefixtures("profile")
@pytest.mark.parametrize(
    ("shipping", "pointer"),
    [
        ({"postcode": "1"}, "/shipping/postcode"),
        ({"line1": "4242 4242 4242 4242"}, "/shipping/line1"),
        ({"line1": "a\u0000b"}, "/shipping/line1"),
        ({"country": "XX"}, "/shipping/country"),
    ],
)
async def test_bad_input_names_the_field(
    client: Client, mine: dict[str, str], shipping: dict[str, str], pointer: str
) -> None:
    body = {"shipping": office()["shipping"] | shipping}

    response = await client.post(PATH, json=body, headers=mine)

    assert response.status == 422
    assert [error["pointer"] for error in (await response.json())["errors"]] == [pointer]
