"""A guest's orders by pages: asked for by address, and taken into an account by the mailed link."""

import re

import pytest

from tests.unit.orders.conftest import Client
from tests.unit.orders.test_guests import a_token, bought
from tests.unit.orders.world import PAYS, World

HTML = {"Accept": "text/html"}


async def test_asking_says_the_same_whether_there_are_orders_or_not(client: Client, world: World) -> None:
    await bought(world)

    known = await client.post("/orders/find", data={"email": "ann@example.org"}, headers=HTML)
    unknown = await client.post("/orders/find", data={"email": "nobody@example.org"}, headers=HTML)

    pages = [re.sub(r"[0-9a-f-]{36}", "", await answer.text()) for answer in (known, unknown)]
    assert (known.status, unknown.status) == (202, 202)
    assert pages[0] == pages[1]
    assert "the links are on their way" in pages[0]


@pytest.mark.parametrize("email", ["ann", PAYS, ""])
async def test_what_is_no_address_is_told_beside_the_field(client: Client, email: str) -> None:
    response = await client.post("/orders/find", data={"email": email}, headers=HTML)

    page = await response.text()
    assert response.status == 422
    assert 'id="f-email-error"' in page
    assert "4242" not in page


async def test_the_mailed_link_offers_the_order_to_an_account_which_then_has_it(client: Client, world: World) -> None:
    order_id = await bought(world)
    token = await a_token(world, client, order_id)
    from_mail = f"/orders/{order_id}?t={world.deps.index.of('order-view', order_id)}&claim={token}"
    as_ann = HTML | world.as_customer("a-1")

    visitor = await (await client.get(from_mail, headers=HTML)).text()
    offered = await (await client.get(from_mail, headers=as_ann)).text()
    taken = await client.post(f"/orders/{order_id}/claim", data={"token": token}, headers=as_ann, allow_redirects=False)
    after = await (await client.get(taken.headers["Location"], headers=as_ann)).text()

    assert "claim%3D" in visitor
    assert f'action="/orders/{order_id}/claim"' in offered
    assert taken.status == 303
    assert "The order is in your account now." in after
    assert "/claim" not in after
    assert (await client.get(from_mail, headers=HTML)).status == 404


async def test_a_wrong_link_takes_nothing(client: Client, world: World) -> None:
    order_id = await bought(world)

    response = await client.post(
        f"/orders/{order_id}/claim", data={"token": "0" * 64}, headers=HTML | world.as_customer("a-1")
    )

    assert response.status == 404
    assert not (await world.stores.orders.get(order_id)).account_id


async def test_who_sees_no_order_is_shown_the_ways_to_it(client: Client, world: World) -> None:
    order_id = await bought(world)

    page = await (await client.get(f"/orders/{order_id}", headers=HTML)).text()

    assert f'href="/login?next=/orders/{order_id}"' in page
    assert 'href="/orders/find"' in page
