"""Selling in the EU, on pages: withdrawal in two labelled steps."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from services.orders.app import build_app
from services.orders.life.domain import Order
from services.orders.life.shipping import Parcel, ship
from services.orders.life.steps import Status
from services.orders.life.view import link_to
from tests.unit.orders.conftest import Client
from tests.unit.orders.world import World, a_body

HTML = {"Accept": "text/html"}
BERLIN = {"line1": "Lindenweg 1", "city": "Berlin", "postcode": "10117", "country": "DE"}


@pytest.fixture
async def eu(world: World) -> AsyncIterator[Client]:
    """A browser at a shop that sells in the EU."""
    world.deps = replace(world.deps, settings=world.deps.settings.model_copy(update={"sells_in_eu": True}))
    async with TestClient(TestServer(build_app(world.deps)), cookie_jar=DummyCookieJar()) as opened:
        yield opened


async def _bought(world: World, **changes: object) -> tuple[Order, str]:
    order = (await world.buy(a_body() | {"currency": "EUR", "shipping": BERLIN} | changes)).order
    return order, link_to(world.deps, order).removeprefix(world.deps.settings.public_url)


async def _send(client: Client, link: str, part: str) -> tuple[str, str]:
    """Press a button of a page; where it leads, and what is there."""
    answer = await client.post(link.replace("?", f"{part}?"), headers=HTML, allow_redirects=False)
    place = answer.headers["Location"]
    return place, await (await client.get(place, headers=HTML)).text()


async def test_a_purchase_is_withdrawn_in_two_labelled_steps(eu: Client, world: World) -> None:
    order, link = await _bought(world)
    page = await (await eu.get(link, headers=HTML)).text()
    assert "Withdraw from the contract here" in page

    place, statement = await _send(eu, link, "/withdrawal")
    assert place == link.replace("?", "/withdrawal?")
    assert order.number in statement
    assert "Confirm withdrawal" in statement
    assert (await world.stores.orders.get(order.id)).status is Status.PAID
    place, after = await _send(eu, link, "/withdrawal/confirm")

    assert place == f"{link}&done=withdrawn"
    assert "We have received your withdrawal:" in after
    assert f'<time datetime="{world.clock().isoformat()}"' in after
    assert "Withdraw from the contract here" not in after
    assert (await world.stores.orders.get(order.id)).status is Status.CANCELLED


async def test_after_shipping_the_watch_is_sent_back_first(eu: Client, world: World) -> None:
    order, link = await _bought(world)
    await ship(world.deps, order, Parcel("DHL", "1234-5678"), by="staff:s-1")

    await _send(eu, link, "/withdrawal")
    _, after = await _send(eu, link, "/withdrawal/confirm")

    assert "Please send the watch back" in after
    assert (await world.stores.orders.get(order.id)).payment.refunded_minor == 0


async def test_what_was_not_declared_is_not_confirmed(eu: Client, world: World) -> None:
    order, link = await _bought(world)

    refused = await eu.post(link.replace("?", "/withdrawal/confirm?"), headers=HTML)
    early = await eu.get(link.replace("?", "/withdrawal?"), headers=HTML, allow_redirects=False)

    assert refused.status == 409
    assert 'role="alert"' in await refused.text()
    assert (early.status, early.headers["Location"]) == (303, link)
    assert (await world.stores.orders.get(order.id)).withdrawal is None


async def test_outside_the_eu_there_is_no_withdrawal_button(eu: Client, world: World) -> None:
    _, link = await _bought(world, currency="JPY", shipping=a_body()["shipping"])

    page = await (await eu.get(link, headers=HTML)).text()

    assert "/withdrawal" not in page
