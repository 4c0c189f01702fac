"""A guest's orders are found again by mail alone, and become an account's own by a link that only the mail carries."""

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp.test_utils import TestClient

from services.orders.life.finish import sweep_unfinished
from services.orders.life.guests import answer_links
from services.orders.life.steps import Status
from services.orders.life.take_over import ClaimLinkUnknown, claim_order
from services.orders.mydata.holdings import OrderHoldings
from services.orders.screening.rules import load_rules
from shared.contracts.orders import Buyer, GuestOrders, LinkRequested, OrderClaimed
from shared.persons import Whom
from shared.testing.datakeys import MemoryDataKeys
from tests.unit.orders.doubles import MemoryLinkRequests
from tests.unit.orders.world import DECLINED, LAST_FIVE, Fate, Mortal, World, a_body

Client = TestClient[Any, Any]
LINKS = "/api/orders/guest/links"
MOST_STEPS = 16
NIGERIAN = "4000566000000002"
STAFF_PARCEL = {"carrier": "Yamato", "tracking": "1234-5678"}


async def bought(world: World, email: str = "ann@example.org", **body: Any) -> str:
    return (await world.buy(a_body(contact={"name": "Ann Example", "email": email}, **body))).order.id


async def asked(world: World, client: Client, email: str = "ann@example.org") -> list[GuestOrders]:
    """What mailer is told after somebody asked for an address."""
    assert isinstance(world.stores.links, MemoryLinkRequests)
    before = len(world.stores.links.events)
    assert (await client.post(LINKS, json={"email": email})).status == 202
    await answer_links(world.deps)
    unsealer = world.sealing.unsealer("mailer")
    return [
        unsealer.open(GuestOrders, event.read(LinkRequested).recipient, event=event, field="recipient")
        for event in world.stores.links.events[before:]
    ]


async def a_token(world: World, client: Client, order_id: str) -> str:
    [letter] = await asked(world, client)
    [link] = [order.link for order in letter.orders if order_id in order.link]
    return parse_qs(urlsplit(link).query)["claim"][0]


async def test_the_links_to_a_guests_orders_go_to_the_address_of_the_orders(client: Client, world: World) -> None:
    mine = {await bought(world), await bought(world)}
    await bought(world, "bo@example.org")
    await bought(world, card=DECLINED)

    [letter] = await asked(world, client, "ANN@Example.org")

    assert letter.email == "ann@example.org"
    assert {urlsplit(order.link).path.rpartition("/")[2] for order in letter.orders} == mine
    seen = await client.get(urlsplit(letter.orders[0].link)._replace(scheme="", netloc="").geturl())
    assert seen.status == 200


async def test_a_strangers_declined_cards_push_no_order_out_of_the_mail(client: Client, world: World) -> None:
    mine = await bought(world)
    for _ in range(20):
        await bought(world, card=DECLINED)

    [letter] = await asked(world, client)

    assert [urlsplit(order.link).path.rpartition("/")[2] for order in letter.orders] == [mine]


async def test_an_order_that_waits_for_a_review_is_found_and_cancelled(client: Client, world: World) -> None:
    world.screen_by(load_rules())
    body = a_body(LAST_FIVE, quantity=3, card=NIGERIAN)
    mine = (await world.buy(body, network="203.0.113.0/24")).order.id
    assert (await world.deps.orders.get(mine)).status is Status.IN_REVIEW

    [letter] = await asked(world, client)
    query = urlsplit(letter.orders[0].link).query
    response = await client.post(f"/api/orders/{mine}/cancel?{query}")

    assert (await response.json())["status"] == "cancelled"


async def test_known_and_unknown_addresses_get_the_same_answer_and_the_same_work(client: Client, world: World) -> None:
    await bought(world)

    known = await client.post(LINKS, json={"email": "ann@example.org"})
    unknown = await client.post(LINKS, json={"email": "cy@example.org"})

    assert (known.status, await known.read()) == (unknown.status, await unknown.read()) == (202, b"")
    assert len(await world.stores.links.waiting(limit=9)) == 2
    assert "ann" not in repr(await world.stores.links.waiting(limit=9))


async def test_an_address_without_orders_gets_no_mail(client: Client, world: World) -> None:
    assert await asked(world, client, "cy@example.org") == []
    assert await world.stores.links.waiting(limit=9) == []


async def test_an_accounts_orders_are_not_a_guests(client: Client, world: World) -> None:
    await client.post("/api/orders", json=a_body(), headers={"Idempotency-Key": "k"} | world.as_customer())

    assert await asked(world, client) == []


async def test_an_address_gets_three_mails_a_day(client: Client, world: World) -> None:
    await bought(world)

    counts = [len(await asked(world, client)) for _ in range(5)]
    world.clock.advance(seconds=86_400)

    assert counts == [1, 1, 1, 0, 0]
    assert len(await asked(world, client)) == 1


@pytest.mark.parametrize("email", ["", "ann", "4242424242424242@example.org", "a@b\r\nBcc: x@y.example"])
async def test_what_is_no_address_is_refused(client: Client, world: World, email: str) -> None:
    response = await client.post(LINKS, json={"email": email})

    assert response.status == 422
    assert (await response.json())["errors"][0]["pointer"] == "/email"
    assert await world.stores.links.waiting(limit=9) == []


async def test_an_account_claims_an_order_and_owns_all_of_it(client: Client, world: World) -> None:
    order_id = await bought(world)
    await client.post(f"/api/orders/{order_id}/shipment", json=STAFF_PARCEL, headers=world.as_staff("support"))
    token = await a_token(world, client, order_id)

    claimed = await client.post(f"/api/orders/{order_id}/claim", json={"token": token}, headers=world.as_customer())

    order = await claimed.json()
    assert claimed.status == 200
    assert (order["card"], order["shipment"]["tracking"]) == ({"ending": "4242", "brand": "visa"}, "1234-5678")
    assert "?" not in order["view_link"]
    mine = await (await client.get("/api/orders", headers=world.as_customer())).json()
    assert [item["id"] for item in mine["items"]] == [order_id]
    assert isinstance(world.stores.data_keys, MemoryDataKeys)
    assert await world.stores.data_keys.find(f"order:{order_id}") is None
    assert await asked(world, client) == []
    event = world.pending[order_id][-1]
    buyer = world.sealing.unsealer("warranty").open(Buyer, event.read(OrderClaimed).buyer, event=event, field="buyer")
    assert buyer == Buyer(account_id="a-1", name="Ann Example", email="ann@example.org")


async def test_a_claimed_order_is_in_the_copy_and_goes_with_the_account(client: Client, world: World) -> None:
    order_id = await bought(world)
    await claim_order(world.deps, "a-1", order_id, await a_token(world, client, order_id))
    holdings, whom = OrderHoldings(world.deps), Whom("a-1", "ann@example.org", world.clock())

    [row] = (await holdings.collect(whom))["orders"]
    await holdings.erase(whom)
    [left] = (await holdings.collect(whom))["orders"]

    assert row["contact"] == {"name": "Ann Example", "email": "ann@example.org"}
    assert "contact" not in left
    assert (await world.deps.orders.get(order_id)).card_fingerprint == ""


async def test_the_former_link_of_a_claimed_order_is_over(client: Client, world: World) -> None:
    placed = await (await client.post("/api/orders", json=a_body(), headers={"Idempotency-Key": "k"})).json()
    path = placed["view_link"].removeprefix("https://localhost:8443/").replace("orders", "/api/orders", 1)
    token = await a_token(world, client, placed["id"])
    await claim_order(world.deps, "a-1", placed["id"], token)

    assert (await client.get(path)).status == 404
    assert (await client.get(path, headers=world.as_customer("a-2"))).status == 404


async def test_a_claim_counts_once(client: Client, world: World) -> None:
    order_id = await bought(world)
    token = await a_token(world, client, order_id)

    ended = await asyncio.gather(
        *(claim_order(world.deps, f"a-{n % 2}", order_id, token) for n in range(6)), return_exceptions=True
    )
    [owner] = {each.account_id for each in ended if not isinstance(each, BaseException)}
    again = await claim_order(world.deps, owner, order_id, token)

    assert sum(isinstance(each, ClaimLinkUnknown) for each in ended) == 3
    assert again.account_id == owner
    assert [event.type for event in world.pending[order_id]].count(OrderClaimed.TYPE) == 1


async def test_without_the_mailed_link_nothing_is_claimed(client: Client, world: World) -> None:
    placed = await (await client.post("/api/orders", json=a_body(), headers={"Idempotency-Key": "k"})).json()
    other = await bought(world)
    token = await a_token(world, client, other)
    view = placed["view_link"].partition("t=")[2]
    path = f"/api/orders/{placed['id']}/claim"

    refused = [
        await client.post(path, json={"token": each}, headers=world.as_customer())
        for each in (view, token, "00", "f" * 74)
    ]
    visitor = await client.post(path, json={"token": token})

    assert {response.status for response in refused} == {404}
    assert {(await response.json())["type"] for response in refused} == {"/problems/claim-link-unknown"}
    assert visitor.status == 401
    assert (await world.deps.orders.get(placed["id"])).account_id == ""


async def test_a_link_is_good_for_a_day(client: Client, world: World) -> None:
    order_id = await bought(world)
    token = await a_token(world, client, order_id)

    world.clock.advance(seconds=86_401)

    with pytest.raises(ClaimLinkUnknown):
        await claim_order(world.deps, "a-1", order_id, token)


@pytest.mark.parametrize("dies_at", range(1, MOST_STEPS + 1))
async def test_whoever_dies_while_claiming_leaves_an_order_that_can_be_read(
    client: Client, world: World, dies_at: int
) -> None:
    order_id = await bought(world)
    token = await a_token(world, client, order_id)
    fate = Fate(dies_at)
    doomed = replace(
        world.deps, **{name: Mortal(getattr(world.deps, name), fate) for name in ("orders", "data_keys", "people")}
    )

    await asyncio.gather(claim_order(doomed, "a-1", order_id, token), return_exceptions=True)
    await sweep_unfinished(world.deps)
    await claim_order(world.deps, "a-1", order_id, token)

    response = await client.get(f"/api/orders/{order_id}", headers=world.as_customer())
    assert (await response.json())["card"]["ending"] == "4242"
    assert await world.stores.data_keys.find(f"order:{order_id}") is None
    assert [event.type for event in world.pending[order_id]].count(OrderClaimed.TYPE) == 1


async def test_shipping_while_an_account_claims_leaves_a_parcel_that_can_be_read(client: Client, world: World) -> None:
    order_id = await bought(world)
    token = await a_token(world, client, order_id)

    shipped, _ = await asyncio.gather(
        client.post(f"/api/orders/{order_id}/shipment", json=STAFF_PARCEL, headers=world.as_staff("support")),
        claim_order(world.deps, "a-1", order_id, token),
    )
    if shipped.status == 503:
        again = await client.post(
            f"/api/orders/{order_id}/shipment", json=STAFF_PARCEL, headers=world.as_staff("support")
        )
        assert again.status == 200

    response = await client.get(f"/api/orders/{order_id}", headers=world.as_customer())
    assert (await response.json())["shipment"]["tracking"] == "1234-5678"
