"""Money goes back in part or whole: each refund once, together never more than was captured."""

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from services.orders.life.steps import Status
from services.orders.payments.domain import PaymentState
from shared.contracts.orders import RefundCompleted
from tests.unit.orders.world import World, a_body

Client = TestClient[Any, Any]
TOTAL = 30_400


async def shipped(client: Client, world: World) -> str:
    order_id = (await world.buy(a_body(quantity=2))).order.id
    parcel = {"carrier": "Yamato", "tracking": "1234-5678"}
    response = await client.post(f"/api/orders/{order_id}/shipment", json=parcel, headers=world.as_staff("support"))
    assert response.status == 200
    return order_id


async def ask(client: Client, world: World, order_id: str, amount_minor: Any, key: str = "k", **body: Any) -> Any:
    headers = world.as_staff("support") | ({"Idempotency-Key": key} if key else {})
    return await client.post(
        f"/api/orders/{order_id}/refunds", json={"amount_minor": amount_minor} | body, headers=headers
    )


async def refunded(world: World, order_id: str) -> int:
    charge = await world.stores.ledger.find(order_id)
    assert charge is not None
    return charge.refunded_minor


async def test_refunds_in_part_until_nothing_is_left(client: Client, world: World) -> None:
    order_id = await shipped(client, world)

    first = await ask(client, world, order_id, 10_000, "k-1", reason="goodwill")
    second = await ask(client, world, order_id, TOTAL - 10_000, "k-2")
    third = await ask(client, world, order_id, 1, "k-3")

    assert [first.status, second.status, third.status] == [201, 201, 422]
    assert (await third.json())["errors"][0]["code"] == "refund-too-high"
    assert ((await first.json())["state"], (await first.json())["note"]) == ("done", "goodwill")
    order = await world.deps.orders.get(order_id)
    assert (order.status, order.payment.state) == (Status.REFUNDED, PaymentState.REFUNDED)
    assert await refunded(world, order_id) == TOTAL
    amounts = [
        event.read(RefundCompleted).amount_minor
        for event in world.pending[order_id]
        if event.type == RefundCompleted.TYPE
    ]
    assert amounts == [10_000, TOTAL - 10_000]


async def test_the_same_key_is_one_refund(client: Client, world: World) -> None:
    order_id = await shipped(client, world)

    answers = [await ask(client, world, order_id, 100) for _ in range(3)]
    at_once = await asyncio.gather(*(ask(client, world, order_id, 100, "k-2") for _ in range(10)))

    assert {answer.status for answer in (*answers, *at_once)} == {201}
    assert len({(await answer.json())["id"] for answer in (*answers, *at_once)}) == 2
    assert await refunded(world, order_id) == 200


async def test_a_refund_that_was_paid_is_told_again_whatever_version_was_seen(client: Client, world: World) -> None:
    order_id = await shipped(client, world)
    seen = await client.get(f"/api/orders/desk/{order_id}", headers=world.as_staff("support"))
    headers = world.as_staff("support") | {"Idempotency-Key": "k", "If-Match": seen.headers["ETag"]}
    url, body = f"/api/orders/{order_id}/refunds", {"amount_minor": 100}

    first = await client.post(url, json=body, headers=headers)
    again = await client.post(url, json=body, headers=headers)
    another = await client.post(url, json=body, headers=headers | {"Idempotency-Key": "k-2"})
    otherwise = await client.post(url, json={"amount_minor": 101}, headers=headers)

    assert [first.status, again.status, another.status, otherwise.status] == [201, 201, 412, 412]
    assert await first.json() == await again.json()
    assert await refunded(world, order_id) == 100


@pytest.mark.parametrize("other", [{"amount_minor": 101}, {"amount_minor": 100, "reason": "defect"}])
async def test_the_same_key_with_another_body_is_refused(client: Client, world: World, other: dict[str, Any]) -> None:
    order_id = await shipped(client, world)
    await ask(client, world, order_id, 100)

    answer = await ask(client, world, order_id, **other)

    assert answer.status == 422
    assert (await answer.json())["type"] == "/problems/idempotency-key-reused"
    assert await refunded(world, order_id) == 100


async def test_many_at_once_never_exceed_what_was_captured(client: Client, world: World) -> None:
    order_id = await shipped(client, world)

    answers = await asyncio.gather(*(ask(client, world, order_id, 10_000, f"k-{n}") for n in range(10)))

    assert sorted(answer.status for answer in answers) == [201] * 3 + [422] * 7
    assert await refunded(world, order_id) == 30_000


@pytest.mark.parametrize("amount", [0, -1, 2**63, 1.5, "100", None])
async def test_an_amount_that_cannot_be_is_refused(client: Client, world: World, amount: Any) -> None:
    order_id = await shipped(client, world)

    answer = await ask(client, world, order_id, amount)

    assert answer.status == 422
    assert (await answer.json())["errors"][0]["pointer"] == "/amount_minor"


async def test_without_a_key_nothing_is_refunded(client: Client, world: World) -> None:
    order_id = await shipped(client, world)

    assert (await ask(client, world, order_id, 100, "")).status == 400
    assert await refunded(world, order_id) == 0


async def test_all_the_money_of_an_order_that_was_not_shipped_goes_back_by_cancelling(
    client: Client, world: World
) -> None:
    order_id = (await world.buy(a_body(quantity=2))).order.id

    part = await ask(client, world, order_id, 400, "k-1")
    rest = await ask(client, world, order_id, TOTAL - 400, "k-2")
    cancelled = await client.post(f"/api/orders/{order_id}/cancel", headers=world.as_staff("support"))

    assert [part.status, rest.status, cancelled.status] == [201, 409, 200]
    assert (await rest.json())["type"] == "/problems/cancel-instead"
    assert await refunded(world, order_id) == TOTAL
