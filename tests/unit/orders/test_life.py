"""From paid to delivered and back, over HTTP."""

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from services.orders.life.steps import Status
from shared.contracts.orders import Notified, OrderShipped
from tests.unit.orders.world import DECLINED, World, a_body

Client = TestClient[Any, Any]
PARCEL = {"carrier": "Yamato Transport", "tracking": "1234-5678-9012"}
CARD = "4242 4242 4242 4242"


async def bought(world: World, **body: Any) -> str:
    return (await world.buy(a_body(**body))).order.id


async def take(client: Client, world: World, order_id: str, step: str, body: Any = None, **headers: str) -> Any:
    return await client.post(f"/api/orders/{order_id}/{step}", json=body, headers=world.as_staff("support") | headers)


async def shipped(client: Client, world: World, **parcel: Any) -> tuple[str, dict[str, Any]]:
    order_id = await bought(world, quantity=2)
    response = await take(client, world, order_id, "shipment", PARCEL | parcel)
    assert response.status == 200, await response.text()
    return order_id, await response.json()


async def test_an_order_goes_from_step_to_step_with_who_and_when(client: Client, world: World) -> None:
    order_id = await bought(world)
    for step, body in (("preparation", None), ("shipment", PARCEL), ("delivery", None), ("return", None)):
        world.clock.advance(seconds=60)
        assert (await take(client, world, order_id, step, body)).status == 200

    response = await client.get(f"/api/orders/desk/{order_id}", headers=world.as_staff("support"))

    timeline = (await response.json())["timeline"]
    assert [(step["status"], step["by"], step["at"][11:16]) for step in timeline] == [
        ("paid", "buyer", "03:00"),
        ("in_preparation", "staff:s-1", "03:01"),
        ("shipped", "staff:s-1", "03:02"),
        ("delivered", "staff:s-1", "03:03"),
        ("returned", "staff:s-1", "03:04"),
    ]


@pytest.mark.parametrize("step", ["preparation", "shipment", "delivery", "return", "refunds"])
async def test_steps_are_for_support(client: Client, world: World, step: str) -> None:
    order_id = await bought(world)
    body = {"shipment": PARCEL, "refunds": {"amount_minor": 1}}.get(step)

    statuses = [
        (await client.post(f"/api/orders/{order_id}/{step}", json=body, headers=headers)).status
        for headers in ({}, world.as_customer(), world.as_staff("marketing", "fraud"), world.as_staff("admin"))
    ]

    assert statuses == [401, 403, 403, 403]
    assert (await world.deps.orders.get(order_id)).status is Status.PAID


@pytest.mark.parametrize(("step", "body"), [("delivery", None), ("return", None)])
async def test_an_illegal_step_is_refused(client: Client, world: World, step: str, body: Any) -> None:
    order_id = await bought(world)

    response = await take(client, world, order_id, step, body)

    assert response.status == 409
    assert (await response.json())["type"] == "/problems/illegal-step"


async def test_an_order_that_is_not_there_takes_no_step(client: Client, world: World) -> None:
    assert (await take(client, world, "o-9", "preparation")).status == 404


async def test_of_two_staff_at_once_one_ships(client: Client, world: World) -> None:
    order_id = await bought(world)

    responses = await asyncio.gather(*(take(client, world, order_id, "shipment", PARCEL) for _ in range(5)))

    assert sorted(response.status for response in responses) == [200, 409, 409, 409, 409]
    assert [event.type for event in world.pending[order_id]].count(OrderShipped.TYPE) == 1


async def test_a_step_from_a_version_that_is_gone_is_refused(client: Client, world: World) -> None:
    order_id = await bought(world)
    seen = await client.get(f"/api/orders/desk/{order_id}", headers=world.as_staff("support"))
    tag = seen.headers["ETag"]

    first = await take(client, world, order_id, "preparation", **{"If-Match": f'"x", {tag}'})
    second = await take(client, world, order_id, "shipment", PARCEL, **{"If-Match": tag})
    third = await take(client, world, order_id, "shipment", PARCEL, **{"If-Match": first.headers["ETag"]})

    assert [first.status, second.status, third.status] == [200, 412, 200]
    assert (await second.json())["type"] == "/problems/changed-meanwhile"


async def test_each_unit_gets_a_serial_number_and_the_event_tells_it(client: Client, world: World) -> None:
    order_id = await bought(world, quantity=2)
    given = f"{order_id}-1-2"

    response = await take(client, world, order_id, "shipment", PARCEL | {"serials": {given: "tf-abcd-0001"}})

    serials = {each["item_id"]: each["serial"] for each in (await response.json())["shipment"]["serials"]}
    assert set(serials) == {f"{order_id}-1-1", given}
    assert serials[given] == "TF-ABCD-0001"
    event = next(each for each in world.pending[order_id] if each.type == OrderShipped.TYPE)
    told = event.read(OrderShipped)
    assert {item.item_id: item.serial for item in told.items} == serials
    to = world.sealing.unsealer("mailer").open(Notified, told.recipient, event=event, field="recipient")
    assert (to.name, to.email) == ("Ann Example", "ann@example.org")
    assert (to.carrier, to.tracking) == (PARCEL["carrier"], PARCEL["tracking"])
    assert PARCEL["tracking"] not in repr(event.data)


async def test_a_serial_number_of_another_unit_is_refused(client: Client, world: World) -> None:
    first, second = await bought(world), await bought(world)
    await take(client, world, first, "shipment", PARCEL | {"serials": {f"{first}-1-1": "TF-0001"}})

    response = await take(client, world, second, "shipment", PARCEL | {"serials": {f"{second}-1-1": "TF-0001"}})

    assert response.status == 409
    assert (await response.json())["errors"][0] == {
        "pointer": "/serials",
        "code": "serial-taken",
        "detail": "A serial number belongs to another unit.",
    }
    assert (await world.deps.orders.get(second)).status is Status.PAID


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"carrier": ""}, "/carrier"),
        ({"carrier": "Evil\r\nBcc: x"}, "/carrier"),
        ({"carrier": CARD}, "/carrier"),
        ({"tracking": CARD}, "/tracking"),
        ({"tracking": "４２４２４２４２４２４２４２４２"}, "/tracking"),
        ({"tracking": "x"}, "/tracking"),
        ({"serials": {"o-9-1-1": "TF-0001"}}, "/serials"),
        ({"serials": {"x": CARD}}, "/serials/x"),
        ({"price": 1}, "/price"),
    ],
)
async def test_a_parcel_that_cannot_be_is_refused_with_its_field(
    client: Client, world: World, change: dict[str, Any], pointer: str
) -> None:
    order_id = await bought(world)

    response = await take(client, world, order_id, "shipment", PARCEL | change)

    text = await response.text()
    assert response.status == 422
    assert (await response.json())["errors"][0]["pointer"] == pointer
    assert "4242" not in text.replace(order_id, "")
    assert (await world.deps.orders.get(order_id)).status is Status.PAID


async def test_a_buyer_sees_the_parcel_and_no_name_of_the_staff(client: Client, world: World) -> None:
    placed = await (
        await client.post("/api/orders", json=a_body(), headers={"Idempotency-Key": "k"} | world.as_customer())
    ).json()
    await take(client, world, placed["id"], "shipment", PARCEL)

    response = await client.get(f"/api/orders/{placed['id']}", headers=world.as_customer())

    order = await response.json()
    assert order["status"] == "shipped"
    assert order["shipment"]["tracking"] == PARCEL["tracking"]
    assert [step["by"] for step in order["timeline"]] == ["buyer", "staff"]
    assert "s-1" not in (await response.text()).replace(placed["id"], "")
    assert response.headers["ETag"] == '"2"'


async def test_a_tracking_number_is_sealed_where_it_is_kept(client: Client, world: World) -> None:
    order_id, _ = await shipped(client, world)

    assert PARCEL["tracking"] not in repr(await world.deps.orders.get(order_id))


async def test_to_an_erased_buyer_nothing_is_shipped(client: Client, world: World) -> None:
    order_id = await bought(world)
    await world.deps.people.erase(f"order:{order_id}")

    response = await take(client, world, order_id, "shipment", PARCEL)

    assert response.status == 410
    assert (await world.deps.orders.get(order_id)).status is Status.PAID


async def test_the_desk_finds_an_order_by_its_number_and_a_page_leads_on(client: Client, world: World) -> None:
    bought = [(await world.buy()).order for _ in range(3)]
    orders = sorted(bought, key=lambda order: order.id)  # ids of one millisecond are in no order
    await world.buy(a_body(card=DECLINED))
    staff = world.as_staff("support")

    by_number = await client.get(f"/api/orders/desk?number={orders[1].number.lower()}", headers=staff)
    paid = await client.get("/api/orders/desk?status=paid&limit=2", headers=staff)
    rest = await client.get(str(paid.links["next"]["url"].relative()), headers=staff)
    wrong = await client.get("/api/orders/desk?status=gone", headers=staff)

    assert [item["id"] for item in (await by_number.json())["items"]] == [orders[1].id]
    assert [item["id"] for item in (await paid.json())["items"]] == [orders[2].id, orders[1].id]
    assert [item["id"] for item in (await rest.json())["items"]] == [orders[0].id]
    assert wrong.status == 422


async def test_the_desk_sees_neither_person_nor_card_of_an_order(client: Client, world: World) -> None:
    order_id, order = await shipped(client, world)

    text = str(order | {"id": ""}).replace(order_id, "")
    words = ("Ann", "example.org", "Jingumae", "4242", "12/34", "?t=", PARCEL["tracking"])

    assert [word for word in words if word in text] == []


async def test_the_desk_sees_the_tracking_number_with_the_contact_and_a_reason(client: Client, world: World) -> None:
    order_id, _ = await shipped(client, world)

    response = await client.post(
        f"/api/orders/desk/{order_id}/contact",
        json={"reason": "The buyer asks where it is."},
        headers=world.as_staff("support"),
    )

    assert (await response.json())["tracking"] == PARCEL["tracking"]
    assert len(await world.stores.accesses.of_order(order_id)) == 1
