"""Saved addresses, on pages: seen, added, changed, preferred and forgotten, without a script, by their owner alone."""

import re
from collections.abc import Mapping
from html import unescape

import pytest

from tests.unit.orders.conftest import Client
from tests.unit.orders.world import SKU, World

PAGE, PROFILE = "/orders/addresses", "/api/orders/profile"
HOME = {"line1": "1-2-3 Jingumae", "city": "Shibuya", "postcode": "150-0001", "country": "JP"}
BERLIN = {"line1": "Hauptstr. 1", "city": "Berlin", "postcode": "10115", "country": "DE"}


@pytest.fixture
def mine(world: World) -> dict[str, str]:
    return world.as_customer("a-1") | {"Accept": "text/html"}


@pytest.fixture
async def profile(client: Client, mine: dict[str, str]) -> None:
    await client.put(PROFILE, json={"name": "Ann Example", "shipping": HOME}, headers=mine)


def _fields(shipping: Mapping[str, str], **more: str) -> dict[str, str]:
    return {f"shipping.{name}": text for name, text in shipping.items()} | more


async def _send(client: Client, path: str, mine: Mapping[str, str], fields: Mapping[str, str] = {}) -> str:
    answer = await client.post(path, data=fields, headers=mine, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


async def _seen(client: Client, mine: Mapping[str, str]) -> list[str]:
    page = await (await client.get(PAGE, headers=mine)).text()
    return [unescape(first) for first in re.findall(r'<p id="address-\d+">([^<]+)', page)]


async def _ids(client: Client, mine: Mapping[str, str]) -> list[str]:
    items = (await (await client.get(f"{PROFILE}/addresses", headers=mine)).json())["items"]
    return [item["id"] for item in items]


async def test_the_first_one_comes_with_the_name_and_fills_in_the_checkout(
    client: Client, mine: dict[str, str]
) -> None:
    empty = await (await client.get(PAGE, headers=mine)).text()
    form = await (await client.get(f"{PAGE}/new", headers=mine)).text()

    place = await _send(client, f"{PAGE}/new", mine, _fields(BERLIN, name="Ann Example"))

    assert "No address is kept." in empty
    assert 'name="name"' in form
    assert place == f"{PAGE}?done=address-added"
    assert await _seen(client, mine) == ["Hauptstr. 1"]
    checkout = await (await client.get(f"/checkout?{SKU}=1", headers=mine)).text()
    assert 'value="Ann Example"' in checkout
    assert 'value="Hauptstr. 1"' in checkout


@pytest.mark.usefixtures("profile")
async def test_one_more_is_added_changed_preferred_and_forgotten(client: Client, mine: dict[str, str]) -> None:
    await _send(client, f"{PAGE}/new", mine, _fields(BERLIN))
    _, added = await _ids(client, mine)
    assert await _seen(client, mine) == ["1-2-3 Jingumae", "Hauptstr. 1"]

    form = await (await client.get(f"{PAGE}/{added}", headers=mine)).text()
    changed = await _send(client, f"{PAGE}/{added}", mine, _fields(BERLIN | {"line1": "Hauptstr. 2"}))
    preferred = await _send(client, f"{PAGE}/{added}/default", mine)
    assert await _seen(client, mine) == ["Hauptstr. 2", "1-2-3 Jingumae"]
    removed = await _send(client, f"{PAGE}/home/removal", mine)

    assert 'value="Hauptstr. 1"' in form
    assert (changed, preferred, removed) == tuple(
        f"{PAGE}?done={done}" for done in ("address-changed", "address-default", "address-removed")
    )
    assert await _seen(client, mine) == ["Hauptstr. 2"]


@pytest.mark.usefixtures("profile")
async def test_a_new_one_may_be_preferred_at_once(client: Client, mine: dict[str, str]) -> None:
    await _send(client, f"{PAGE}/new", mine, _fields(BERLIN, is_default="true"))

    assert await _seen(client, mine) == ["Hauptstr. 1", "1-2-3 Jingumae"]


@pytest.mark.usefixtures("profile")
async def test_the_name_is_changed_and_the_addresses_stay(client: Client, mine: dict[str, str]) -> None:
    await _send(client, f"{PAGE}/name", mine, {"name": "Ann Other"})

    assert (await (await client.get(PROFILE, headers=mine)).json())["name"] == "Ann Other"
    assert await _seen(client, mine) == ["1-2-3 Jingumae"]


@pytest.mark.usefixtures("profile")
async def test_all_of_them_are_forgotten_at_once(client: Client, mine: dict[str, str]) -> None:
    await _send(client, f"{PAGE}/removal", mine)

    assert (await client.get(PROFILE, headers=mine)).status == 404
    assert await _seen(client, mine) == []


@pytest.mark.usefixtures("profile")
async def test_what_is_wrong_stands_beside_its_field_and_the_rest_is_typed_already(
    client: Client, mine: dict[str, str]
) -> None:
    wrong = _fields(BERLIN | {"postcode": "1"})

    answer = await client.post(f"{PAGE}/new", data=wrong, headers=mine)

    page = await answer.text()
    assert answer.status == 422
    assert 'id="f-shipping-postcode-error"' in page
    assert 'value="Hauptstr. 1"' in page
    assert '<option value="DE" selected>' in page
    assert await _seen(client, mine) == ["1-2-3 Jingumae"]


@pytest.mark.usefixtures("profile")
@pytest.mark.parametrize("number", ["4242 4242 4242 4242", "４２４２４２４２４２４２４２４２", "4242-4242-4242-4242"])
@pytest.mark.parametrize(("path", "field"), [("new", "shipping.line2"), ("home", "shipping.city"), ("name", "name")])
async def test_a_card_number_is_refused_and_not_shown_again(
    client: Client, mine: dict[str, str], path: str, field: str, number: str
) -> None:
    fields = {"name": ""} if path == "name" else _fields(BERLIN)

    answer = await client.post(f"{PAGE}/{path}", data=fields | {field: number}, headers=mine)

    assert answer.status == 422
    assert number not in await answer.text()
    assert await _seen(client, mine) == ["1-2-3 Jingumae"]


@pytest.mark.usefixtures("profile")
async def test_the_only_one_and_an_eleventh_are_refused(client: Client, mine: dict[str, str]) -> None:
    only = await client.post(f"{PAGE}/home/removal", headers=mine)
    for number in range(9):
        await _send(client, f"{PAGE}/new", mine, _fields(BERLIN | {"line1": f"Hauptstr. {number}"}))

    eleventh = await client.post(f"{PAGE}/new", data=_fields(BERLIN), headers=mine)

    assert (only.status, eleventh.status) == (409, 409)
    assert len(await _seen(client, mine)) == 10
    assert f'href="{PAGE}/new"' not in await (await client.get(PAGE, headers=mine)).text()


@pytest.mark.usefixtures("profile")
async def test_anothers_address_is_none(client: Client, world: World, mine: dict[str, str]) -> None:
    await _send(client, f"{PAGE}/new", mine, _fields(BERLIN))
    _, added = await _ids(client, mine)
    other = world.as_customer("a-2") | {"Accept": "text/html"}
    await client.put(PROFILE, json={"name": "Bob", "shipping": HOME}, headers=other)

    answers = [
        await client.get(f"{PAGE}/{added}", headers=other),
        await client.post(f"{PAGE}/{added}", data=_fields(HOME), headers=other),
        await client.post(f"{PAGE}/{added}/default", headers=other),
        await client.post(f"{PAGE}/{added}/removal", headers=other),
    ]

    assert [answer.status for answer in answers] == [404] * 4
    assert not any("Hauptstr" in shown for shown in [await answer.text() for answer in answers])
    assert await _seen(client, mine) == ["1-2-3 Jingumae", "Hauptstr. 1"]


@pytest.mark.usefixtures("profile")
async def test_a_guest_logs_in_and_a_remembered_browser_gives_the_password_first(client: Client, world: World) -> None:
    html = {"Accept": "text/html"}
    remembered = world.as_customer("a-1", fresh=False) | html

    guest = await client.get(PAGE, headers=html, allow_redirects=False)
    looks = await client.get(PAGE, headers=remembered, allow_redirects=False)
    sends = await client.post(f"{PAGE}/new", data=_fields(BERLIN), headers=remembered, allow_redirects=False)

    assert guest.headers["Location"] == "/login?next=/orders/addresses"
    assert looks.headers["Location"] == sends.headers["Location"] == "/confirm?next=/orders/addresses"


@pytest.mark.usefixtures("profile")
@pytest.mark.parametrize(("language", "title"), [("en", "Your addresses"), ("de", "Ihre Adressen"), ("ja", "お届け先")])
async def test_it_speaks_the_readers_language(client: Client, mine: dict[str, str], language: str, title: str) -> None:
    for path in (PAGE, f"{PAGE}/new", f"{PAGE}/home"):
        page = await (await client.get(path, headers=mine | {"Accept-Language": language})).text()
        assert title in page
