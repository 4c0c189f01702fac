import asyncio
import hashlib

import pytest

from services.orders.life.steps import Status
from services.orders.payments.provider import Outcome
from shared.contracts.orders import Buyer, PurchaseCompleted
from tests.unit.orders.conftest import Client
from tests.unit.orders.world import (
    ANSWERS_LATE,
    DECLINED,
    LAST_FIVE,
    NO_FUNDS,
    PAYS,
    SILENT,
    SKU,
    SOLD_OUT,
    World,
    a_body,
)

KEY = {"Idempotency-Key": "k-1"}


async def test_a_guest_buys(client: Client, world: World) -> None:
    response = await client.post("/api/orders", json=a_body(quantity=2, currency="USD"), headers=KEY)

    assert response.status == 201
    placed = await response.json()
    [order] = await world.all_orders()
    assert placed == {
        "id": order.id,
        "number": order.number,
        "status": "paid",
        "currency": "USD",
        "lines": [
            {
                "sku": SKU,
                "name": "Kisai Orbit",
                "quantity": 2,
                "unit_price_minor": 9_900,
                "total_minor": 19_800,
            }
        ],
        "shipping_minor": 600,
        "tax": {"kind": "consumption_tax", "rate_bp": 1_000, "amount_minor": 1_855, "included": True},
        "total_minor": 20_400,
        "total": 20_400,
        "created_at": "2026-11-22T03:00:00Z",
        "card": {"ending": "4242", "brand": "visa"},
        "payment": "captured",
        "action_url": "",
        "view_link": placed["view_link"],
        "timeline": [{"status": "paid", "at": "2026-11-22T03:00:00Z", "by": "buyer", "note": ""}],
        "shipment": None,
        "refunds": [],
        "refunded_minor": 0,
        "can_cancel": True,
        "can_withdraw": False,
        "withdraw_until": None,
        "replaces": "",
        "withdrawal": None,
    }
    assert placed["view_link"].startswith(f"https://localhost:8443/orders/{order.id}?t=")
    assert response.headers["Location"] == f"/api/orders/{order.id}"


async def test_what_was_bought_is_charged_and_taken_from_stock(world: World) -> None:
    placed = await world.buy(a_body(LAST_FIVE, quantity=2))

    charge = await world.stores.ledger.find(placed.order.id)
    assert charge is not None
    assert (charge.outcome, charge.amount_minor, charge.currency) == (Outcome.PAID, 2 * 21_600 + 800, "JPY")
    assert await world.left(LAST_FIVE) == 3


async def test_the_event_leaves_with_the_paid_order(world: World) -> None:
    body = a_body(quantity=2, newsletter=True, language="ja")

    order = (await world.buy(body)).order

    [(collection, document, event)] = world.relay.announced
    assert (collection, document) == ("orders", order.id)
    assert world.pending == {order.id: [event]}
    said = event.read(PurchaseCompleted)
    assert [item.item_id for item in said.items] == [f"{order.id}-1-1", f"{order.id}-1-2"]
    assert [(item.name, item.unit_price_minor, item.warranty_months) for item in said.items] == [
        ("キサイ オービット", 14_800, 24)
    ] * 2
    assert (said.number, said.currency, said.country, said.language) == (order.number, "JPY", "JP", "ja")
    assert (said.shipping_minor, said.total_minor) == (800, 30_400)
    to_mailer = world.sealing.unsealer("mailer").open(Buyer, said.buyer, event=event, field="buyer")
    assert (to_mailer.name, to_mailer.email, to_mailer.newsletter) == ("Ann Example", "ann@example.org", True)
    assert f"/orders/{order.id}?t=" in to_mailer.order_link
    assert to_mailer.account_id == ""


async def test_warranty_learns_the_account_and_whom_to_write_to_and_nothing_else(client: Client, world: World) -> None:
    response = await client.post("/api/orders", json=a_body(), headers=KEY | world.as_customer("a-7"))

    [event] = world.relay.events
    said = event.read(PurchaseCompleted)
    to_warranty = world.sealing.unsealer("warranty").open(Buyer, said.buyer, event=event, field="buyer")
    assert to_warranty == Buyer(account_id="a-7", name="Ann Example", email="ann@example.org")
    assert (await response.json())["view_link"] == f"https://localhost:8443/orders/{event.subject}"


async def test_warranty_can_tell_a_guests_link_and_does_not_know_it(client: Client, world: World) -> None:
    response = await client.post("/api/orders", json=a_body(), headers=KEY)

    [event] = world.relay.events
    said = event.read(PurchaseCompleted)
    to_warranty = world.sealing.unsealer("warranty").open(Buyer, said.buyer, event=event, field="buyer")
    token = (await response.json())["view_link"].partition("?t=")[2]
    assert to_warranty.link_proof == hashlib.sha256(token.encode()).hexdigest()
    assert to_warranty.order_link == ""


async def test_the_same_request_again_is_answered_the_same(client: Client, world: World) -> None:
    first = await client.post("/api/orders", json=a_body(), headers=KEY)

    again = await client.post("/api/orders", json=a_body(), headers={"Idempotency-Key": '"k-1"'})

    assert (again.status, await again.read()) == (201, await first.read())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert await world.paid_charges() == 1
    assert len(world.relay.events) == 1


async def test_the_last_one_bought_stays_bought_when_asked_again(world: World) -> None:
    first = await world.buy(a_body(LAST_FIVE, quantity=5), key="k")

    again = await world.buy(a_body(LAST_FIVE, quantity=5), key="k")

    assert again.is_replay
    assert again.order == first.order


@pytest.mark.parametrize(
    "other",
    [
        a_body(quantity=2),
        a_body(newsletter=True),
        a_body(card="5555 5555 5555 4444"),
        a_body(contact={"name": "Eve Other", "email": "eve@example.org"}),
    ],
)
async def test_the_key_with_another_body_is_refused(client: Client, world: World, other: dict[str, object]) -> None:
    await client.post("/api/orders", json=a_body(), headers=KEY)

    response = await client.post("/api/orders", json=other, headers=KEY)

    assert response.status == 422
    problem = await response.json()
    assert problem["type"] == "/problems/idempotency-key-reused"
    assert problem["errors"][0]["pointer"] == "Idempotency-Key"
    assert await world.paid_charges() == 1


async def test_two_accounts_with_the_same_key_do_not_meet(client: Client, world: World) -> None:
    mine = await client.post("/api/orders", json=a_body(), headers=KEY | world.as_customer("a-1"))
    yours = await client.post("/api/orders", json=a_body(), headers=KEY | world.as_customer("a-2"))

    assert (mine.status, yours.status) == (201, 201)
    assert (await mine.json())["id"] != (await yours.json())["id"]


async def test_fifty_equal_requests_at_once_buy_once(client: Client, world: World) -> None:
    async def once() -> int:
        return (await client.post("/api/orders", json=a_body(), headers=KEY)).status

    statuses = await asyncio.gather(*(once() for _ in range(50)))

    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert len(await world.all_orders()) == 1
    assert await world.paid_charges() == 1


@pytest.mark.parametrize(("card", "reason"), [(DECLINED, "card-declined"), (NO_FUNDS, "insufficient-funds")])
async def test_a_declined_card_gives_everything_back(client: Client, world: World, card: str, reason: str) -> None:
    response = await client.post("/api/orders", json=a_body(LAST_FIVE, card=card), headers=KEY)

    assert response.status == 402
    assert response.content_type == "application/problem+json"
    problem = await response.json()
    assert problem["type"] == "/problems/payment-declined"
    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [("/card/number", reason)]
    [order] = await world.all_orders()
    assert order.status is Status.DECLINED
    assert await world.left(LAST_FIVE) == 5
    assert await world.holds() == 0
    assert world.relay.events == []


async def test_a_declined_attempt_is_answered_the_same_again_and_a_new_key_tries_anew(
    client: Client, world: World
) -> None:
    first = await client.post("/api/orders", json=a_body(card=DECLINED), headers=KEY)

    again = await client.post("/api/orders", json=a_body(card=DECLINED), headers=KEY)
    anew = await client.post("/api/orders", json=a_body(), headers={"Idempotency-Key": "k-2"})

    assert (again.status, await again.read()) == (402, await first.read())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert anew.status == 201


async def test_a_silent_provider_leaves_the_outcome_to_the_sweep(client: Client, world: World) -> None:
    unknown = await client.post("/api/orders", json=a_body(LAST_FIVE, card=SILENT), headers=KEY)
    meanwhile = await client.post("/api/orders", json=a_body(LAST_FIVE, card=SILENT), headers=KEY)
    await world.sweep()

    assert unknown.status == 503
    assert (await unknown.json())["type"] == "/problems/payment-outcome-unknown"
    assert int(unknown.headers["Retry-After"]) > 0
    assert meanwhile.status == 409
    assert (await meanwhile.json())["type"] == "/problems/request-in-flight"
    assert (await world.all_orders())[0].status is Status.FAILED
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_after_an_attempt_that_was_not_charged_the_same_key_buys(client: Client, world: World) -> None:
    await client.post("/api/orders", json=a_body(card=SILENT), headers=KEY)
    await world.sweep()

    again = await client.post("/api/orders", json=a_body(), headers=KEY)

    assert again.status == 201
    assert await world.paid_charges() == 1


async def test_an_answer_that_comes_late_is_found_by_the_sweep(client: Client, world: World) -> None:
    unknown = await client.post("/api/orders", json=a_body(LAST_FIVE, card=ANSWERS_LATE), headers=KEY)
    await world.sweep()

    stored = await client.post("/api/orders", json=a_body(LAST_FIVE, card=ANSWERS_LATE), headers=KEY)

    assert unknown.status == 503
    assert stored.status == 201
    assert stored.headers["Idempotency-Replayed"] == "true"
    assert len(world.relay.events) == 1
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_a_guest_is_a_person_of_their_own(world: World) -> None:
    first = (await world.buy()).order
    second = (await world.buy()).order

    assert first.personal.person_id == f"order:{first.id}"
    assert first.personal.person_id != second.personal.person_id


async def test_30_buyers_for_the_last_five(world: World) -> None:
    outcomes = await asyncio.gather(*(world.buy(a_body(LAST_FIVE)) for _ in range(30)), return_exceptions=True)

    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 5
    await world.sweep()
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_who_comes_too_late_leaves_nothing_behind(client: Client, world: World) -> None:
    response = await client.post("/api/orders", json=a_body(SOLD_OUT), headers=KEY)

    assert response.status == 409
    assert (await response.json())["errors"][0]["pointer"] == "/lines/0/quantity"
    await world.assert_nothing_happened()


async def test_two_lines_are_priced_and_taken_together(world: World) -> None:
    lines = [{"sku": SKU, "quantity": 1}, {"sku": LAST_FIVE, "quantity": 2}]

    order = (await world.buy(a_body(lines=lines))).order

    assert order.total_minor == 14_800 + 2 * 21_600 + 800
    assert await world.left(LAST_FIVE) == 3
    assert [item["item_id"] for item in world.relay.events[0].data["items"]] == [
        f"{order.id}-1-1",
        f"{order.id}-2-1",
        f"{order.id}-2-2",
    ]


async def test_nobody_is_charged_for_what_cannot_be_announced(client: Client, world: World) -> None:
    del world.sealing.keys["warranty"]

    response = await client.post("/api/orders", json=a_body(LAST_FIVE), headers=KEY)

    assert response.status == 503
    await world.sweep()
    assert await world.paid_charges() == 0
    await world.assert_books_balance(LAST_FIVE, 5)


async def test_the_same_card_in_another_spelling_is_the_same_request(world: World) -> None:
    await world.buy(a_body(card=PAYS), key="k")

    again = await world.buy(a_body(card="4242-4242-4242-4242"), key="k")

    assert again.is_replay
