"""What was shown is what is paid: quotes through the API."""

from dataclasses import replace
from typing import Any

import pytest

from services.orders.taxes.domain import Tax
from shared.contracts.orders import PurchaseCompleted
from tests.unit.orders.conftest import Client
from tests.unit.orders.world import DECLINED, LAST_FIVE, SKU, SOLD_OUT, World, a_body

PATH = "/api/orders/quotes"
HEAVY = "TF-RAKU-08"  # 180 g


def a_request(sku: str = SKU, *, quantity: int = 1, country: str = "JP", **changes: Any) -> dict[str, Any]:
    return {
        "lines": [{"sku": sku, "quantity": quantity}],
        "currency": "JPY",
        "shipping": {"country": country},
    } | changes


async def _quote(client: Client, **changes: Any) -> dict[str, Any]:
    response = await client.post(PATH, json=a_request(**changes))
    assert response.status == 201, await response.text()
    return dict(await response.json())


async def _raise_prices(world: World) -> None:
    [offer] = [offer for offer in await world.stores.catalogue().offers() if offer.product.sku == SKU]
    await world.stores.catalogue().put(replace(offer.product, prices={"JPY": 99_000, "USD": 99_000}), stock=0)


async def test_it_says_what_everything_costs(client: Client) -> None:
    response = await client.post(PATH, json=a_request(quantity=2))

    quote = await response.json()
    assert response.status == 201
    assert response.headers["Location"] == f"{PATH}/{quote['id']}"
    assert quote == {
        "id": quote["id"],
        "currency": "JPY",
        "country": "JP",
        "lines": [
            {"sku": SKU, "name": "Kisai Orbit", "quantity": 2, "unit_price_minor": 14_800, "total_minor": 29_600}
        ],
        "shipping_minor": 800,
        "tax": {"kind": "consumption_tax", "rate_bp": 1_000, "amount_minor": 2_764, "included": True},
        "total_minor": 30_400,
        "expires_at": "2026-11-22T03:30:00Z",
    }
    assert await (await client.get(f"{PATH}/{quote['id']}")).json() == quote


@pytest.mark.parametrize(("quantity", "shipping_minor"), [(1, 800), (2, 800), (3, 1_000), (6, 1_200)])
async def test_a_heavier_parcel_costs_more(client: Client, quantity: int, shipping_minor: int) -> None:
    assert (await _quote(client, sku=HEAVY, quantity=quantity))["shipping_minor"] == shipping_minor


async def test_the_price_that_was_shown_is_paid_though_prices_have_risen(client: Client, world: World) -> None:
    quote = await _quote(client)
    await _raise_prices(world)

    bought = await client.post("/api/orders", json=a_body(quote=quote["id"]), headers={"Idempotency-Key": "k"})

    placed = await bought.json()
    assert (bought.status, placed["total_minor"], placed["tax"]) == (201, quote["total_minor"], quote["tax"])
    [charge] = await world.stores.ledger.entries(behind="", limit=9)
    assert charge.amount_minor == quote["total_minor"]


async def test_without_a_quote_it_costs_what_it_costs_now(client: Client, world: World) -> None:
    await _raise_prices(world)

    bought = await client.post("/api/orders", json=a_body(), headers={"Idempotency-Key": "k"})

    assert (await bought.json())["total_minor"] == 99_000 + 800


async def test_the_tax_is_frozen_with_the_order_and_announced(client: Client, world: World) -> None:
    await client.post("/api/orders", json=a_body(), headers={"Idempotency-Key": "k"})

    [order] = await world.all_orders()
    assert order.tax == Tax("consumption_tax", 1_000, 1_418, included=True)
    [event] = world.pending[order.id]
    assert event.read(PurchaseCompleted).tax.amount_minor == 1_418


@pytest.mark.parametrize("age_s", [1_800, 7_200])
async def test_a_quote_that_is_over_is_refused(client: Client, world: World, age_s: float) -> None:
    quote = await _quote(client)
    world.clock.advance(seconds=age_s)

    bought = await client.post("/api/orders", json=a_body(quote=quote["id"]), headers={"Idempotency-Key": "k"})

    problem = await bought.json()
    assert (bought.status, problem["type"]) == (409, "/problems/quote-expired")
    assert [error["pointer"] for error in problem["errors"]] == ["/quote"]
    assert (await client.get(f"{PATH}/{quote['id']}")).status == 409
    assert await world.all_orders() == []


async def test_an_unknown_quote_is_refused(client: Client, world: World) -> None:
    bought = await client.post("/api/orders", json=a_body(quote="none"), headers={"Idempotency-Key": "k"})

    assert (bought.status, (await bought.json())["type"]) == (409, "/problems/quote-expired")


@pytest.mark.parametrize(
    "other",
    [
        a_body(quantity=2),
        a_body(LAST_FIVE),
        a_body(currency="USD"),
        a_body(shipping={"line1": "Main 1", "city": "Berlin", "postcode": "10115", "country": "DE"}),
    ],
)
async def test_a_quote_for_something_else_is_refused(client: Client, world: World, other: dict[str, Any]) -> None:
    quote = await _quote(client)

    bought = await client.post("/api/orders", json=other | {"quote": quote["id"]}, headers={"Idempotency-Key": "k"})

    problem = await bought.json()
    assert (bought.status, problem["type"]) == (422, "/problems/quote-mismatch")
    assert [error["pointer"] for error in problem["errors"]] == ["/quote"]
    assert await world.all_orders() == []


async def test_what_was_bought_with_a_quote_is_answered_again_when_the_quote_is_over(
    client: Client, world: World
) -> None:
    quote, key = await _quote(client), {"Idempotency-Key": "k"}
    first = await client.post("/api/orders", json=a_body(quote=quote["id"]), headers=key)
    world.clock.advance(seconds=7_200)

    again = await client.post("/api/orders", json=a_body(quote=quote["id"]), headers=key)

    assert (again.status, await again.json()) == (201, await first.json())


async def test_the_same_key_with_another_quote_is_another_purchase(client: Client) -> None:
    quotes, key = [await _quote(client) for _ in range(2)], {"Idempotency-Key": "k"}

    answers = [await client.post("/api/orders", json=a_body(quote=q["id"]), headers=key) for q in quotes]

    assert [answer.status for answer in answers] == [201, 422]


async def test_a_quote_may_be_cited_again_after_a_decline(client: Client) -> None:
    quote = await _quote(client)
    bodies = [a_body(quote=quote["id"], card=DECLINED), a_body(quote=quote["id"])]

    answers = [
        await client.post("/api/orders", json=body, headers={"Idempotency-Key": f"k-{n}"})
        for n, body in enumerate(bodies)
    ]

    assert [answer.status for answer in answers] == [402, 201]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"price": 1}, "/price"),
        ({"total_minor": 1}, "/total_minor"),
        ({"currency": "XXX"}, "/currency"),
        ({"shipping": {"country": "XX"}}, "/shipping/country"),
        ({"lines": []}, "/lines"),
        ({"lines": [{"sku": SKU, "quantity": 1}] * 10_000}, "/lines"),
        ({"lines": [{"sku": SKU, "quantity": 2**63}]}, "/lines/0/quantity"),
        ({"lines": [{"sku": SKU, "quantity": 0}]}, "/lines/0/quantity"),
        ({"lines": [{"sku": SKU, "quantity": 1, "unit_price_minor": 1}]}, "/lines/0/unit_price_minor"),
        ({"lines": [{"sku": "TF-NONE-00", "quantity": 1}]}, "/lines/0/sku"),
        ({"lines": [{"sku": SKU, "quantity": 1}] * 2}, "/lines/1/sku"),
    ],
)
async def test_bad_input_names_the_field(client: Client, changes: dict[str, Any], pointer: str) -> None:
    response = await client.post(PATH, json=a_request(**changes))

    assert response.status in (413, 422)
    if response.status == 422:
        assert pointer in [error["pointer"] for error in (await response.json())["errors"]]


async def test_what_is_sold_out_gets_no_quote(client: Client) -> None:
    response = await client.post(PATH, json=a_request(SOLD_OUT))

    assert (response.status, (await response.json())["type"]) == (409, "/problems/sold-out")
