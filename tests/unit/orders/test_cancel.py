"""An order that is cancelled gives back the money and the units, once, whoever dies in between."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from services.orders.life.cancel import cancel
from services.orders.life.domain import Order
from services.orders.life.finish import sweep_marks, sweep_unfinished
from services.orders.life.steps import Status
from services.orders.payments.domain import PaymentState, RefundState
from services.orders.payments.provider import Charge, Outcome, RefundRefused
from shared.contracts.orders import Notified, OrderCancelled, RefundCompleted
from shared.contracts.orders import RefundRefused as RefusedEvent
from shared.events import Event
from tests.unit.orders.world import Away, Fate, Mortal, World, a_body

Client = TestClient[Any, Any]
TOTAL = 30_400
STOCKED = 100_000
MOST_STEPS = 14


async def bought(world: World) -> Order:
    return (await world.buy(a_body(quantity=2))).order


async def set_aside(world: World) -> Order:
    """An order whose money is authorised, while somebody looks at it."""
    order = await bought(world)
    waiting = replace(
        order,
        status=Status.IN_REVIEW,
        payment=replace(order.payment, state=PaymentState.AUTHORISED, captured_minor=0),
    )
    world.ledger_of(order.id, outcome=Outcome.AUTHORISED)
    saved = await world.deps.orders.save(waiting)
    assert saved
    return saved


async def finished(world: World, order_id: str) -> Order:
    await sweep_unfinished(world.deps)
    await world.sweep()
    return await world.deps.orders.get(order_id)


def told(world: World, order_id: str, type_: str) -> list[Event]:
    return [event for event in world.pending[order_id] if event.type == type_]


async def assert_all_is_back(world: World, order: Order) -> None:
    assert order.status is Status.CANCELLED
    assert not order.is_unfinished
    assert await world.left() == STOCKED
    assert await world.holds() == 0
    charge = await world.stores.ledger.find(order.id)
    assert charge is not None
    kept_minor = charge.amount_minor - charge.refunded_minor if charge.outcome is Outcome.PAID else 0
    assert kept_minor == 0


async def test_a_cancelled_order_is_refunded_and_its_units_are_back(world: World) -> None:
    order = await cancel(world.deps, await bought(world), by="buyer")

    await assert_all_is_back(world, order)
    assert (order.payment.state, order.payment.refunded_minor) == (PaymentState.REFUNDED, TOTAL)
    [cancelled] = told(world, order.id, OrderCancelled.TYPE)
    [refunded] = told(world, order.id, RefundCompleted.TYPE)
    assert (cancelled.read(OrderCancelled).by, cancelled.read(OrderCancelled).refund_minor) == ("buyer", TOTAL)
    assert (refunded.read(RefundCompleted).source, refunded.read(RefundCompleted).amount_minor) == (
        "cancellation",
        TOTAL,
    )
    for event, contract in ((cancelled, OrderCancelled), (refunded, RefundCompleted)):
        sealed = event.read(contract).recipient
        to = world.sealing.unsealer("mailer").open(Notified, sealed, event=event, field="recipient")
        assert (to.email, to.order_link.partition("?")[0]) == (
            "ann@example.org",
            f"https://localhost:8443/orders/{order.id}",
        )


async def test_cancelled_many_times_at_once_it_is_refunded_once(world: World) -> None:
    order = await bought(world)

    ended = await asyncio.gather(*(cancel(world.deps, order, by="buyer") for _ in range(10)))

    assert {each.status for each in ended} == {Status.CANCELLED}
    await assert_all_is_back(world, await finished(world, order.id))
    assert len(told(world, order.id, OrderCancelled.TYPE)) == len(told(world, order.id, RefundCompleted.TYPE)) == 1


async def test_what_was_only_set_aside_is_voided(world: World) -> None:
    order = await cancel(world.deps, await set_aside(world), by="buyer")

    await assert_all_is_back(world, order)
    assert order.payment.state is PaymentState.CANCELLED
    assert order.payment.refunds == ()
    assert (await world.stores.ledger.find(order.id)).outcome is Outcome.VOIDED  # type: ignore[union-attr]


async def test_what_was_captured_while_it_was_cancelled_is_refunded(world: World) -> None:
    order = await set_aside(world)
    await world.deps.provider.capture(order.id)  # the reviewer was quicker at the provider, slower here

    order = await cancel(world.deps, order, by="buyer")

    order = await finished(world, order.id)
    await assert_all_is_back(world, order)
    assert (order.payment.state, order.payment.refunded_minor) == (PaymentState.REFUNDED, TOTAL)


@pytest.mark.parametrize("begin", [bought, set_aside])
@pytest.mark.parametrize("dies_at", range(1, MOST_STEPS + 1))
async def test_whoever_dies_while_cancelling_leaves_it_to_the_sweep(world: World, begin: Any, dies_at: int) -> None:
    order = await begin(world)
    fate = Fate(dies_at)
    doomed = replace(
        world.deps, **{name: Mortal(getattr(world.deps, name), fate) for name in ("orders", "stock", "provider")}
    )

    await asyncio.gather(cancel(doomed, order, by="buyer"), return_exceptions=True)
    order = await finished(world, order.id)
    if order.status is not Status.CANCELLED:  # died before the write: nothing has happened
        assert not order.is_unfinished
        order = await cancel(world.deps, order, by="buyer")

    await assert_all_is_back(world, order)
    assert len(told(world, order.id, OrderCancelled.TYPE)) == 1
    assert len(told(world, order.id, RefundCompleted.TYPE)) <= 1


async def test_a_sweep_that_dies_at_any_step_is_made_good_by_the_next(world: World) -> None:
    order = await bought(world)
    await cancel(replace(world.deps, provider=Away(), stock=Away()), order, by="buyer")
    assert (await world.deps.orders.get(order.id)).payment.pending

    for dies_at in range(1, MOST_STEPS + 1):
        fate = Fate(dies_at)
        doomed = replace(
            world.deps, **{name: Mortal(getattr(world.deps, name), fate) for name in ("orders", "stock", "provider")}
        )
        await asyncio.gather(sweep_unfinished(doomed), return_exceptions=True)

    await assert_all_is_back(world, await finished(world, order.id))
    assert len(told(world, order.id, RefundCompleted.TYPE)) == 1


async def test_a_provider_that_is_away_leaves_the_cancellation_standing(world: World) -> None:
    order = await cancel(replace(world.deps, provider=Away()), await bought(world), by="buyer")

    assert order.status is Status.CANCELLED
    assert [refund.state for refund in order.payment.refunds] == [RefundState.PENDING]
    await assert_all_is_back(world, await finished(world, order.id))


class Refusing:
    """A provider that will not refund."""

    async def refund(self, *_: Any, **__: Any) -> None:
        raise RefundRefused("charge-disputed")

    async def void(self, order_id: str) -> Charge:
        raise AssertionError(order_id)


async def test_a_refund_that_the_provider_refuses_is_handed_to_a_person(client: Client, world: World) -> None:
    order = await cancel(replace(world.deps, provider=Refusing()), await bought(world), by="buyer")

    assert not order.is_unfinished
    assert [refund.state for refund in order.payment.refunds] == [RefundState.REFUSED]
    [event] = told(world, order.id, RefusedEvent.TYPE)
    assert (event.read(RefusedEvent).reason, event.read(RefusedEvent).amount_minor) == ("charge-disputed", TOTAL)
    staff = world.as_staff("support")
    seen = await (await client.get("/api/orders/desk?attention=true", headers=staff)).json()
    assert [(item["id"], item["needs_attention"]) for item in seen["items"]] == [(order.id, True)]

    again = await client.post(
        f"/api/orders/{order.id}/refunds", json={"amount_minor": TOTAL}, headers=staff | {"Idempotency-Key": "k"}
    )

    assert (await again.json())["state"] == "done"
    assert (await (await client.get("/api/orders/desk?attention=true", headers=staff)).json())["items"] == []


async def test_a_guest_cancels_by_the_link_and_nobody_without_it(client: Client, world: World) -> None:
    placed = await (await client.post("/api/orders", json=a_body(), headers={"Idempotency-Key": "k"})).json()
    path, token = f"/api/orders/{placed['id']}/cancel", placed["view_link"].partition("?")[2]

    refused = [
        (await client.post(each, headers=headers)).status
        for each, headers in ((path, {}), (path, world.as_customer()), (f"{path}?t=00", world.as_staff("marketing")))
    ]
    cancelled = await client.post(f"{path}?{token}")
    again = await client.post(f"{path}?{token}")

    assert refused == [404, 404, 404]
    assert [cancelled.status, again.status] == [200, 200]
    assert (await cancelled.json())["status"] == "cancelled"
    assert (await again.json())["refunded_minor"] == placed["total_minor"]


async def test_support_cancels_in_its_own_name(client: Client, world: World) -> None:
    order = await bought(world)

    response = await client.post(f"/api/orders/{order.id}/cancel", headers=world.as_staff("support"))

    assert (await response.json())["timeline"][-1]["by"] == "staff"
    assert (await world.deps.orders.get(order.id)).history[-1].by == "staff:s-1"
    [event] = told(world, order.id, OrderCancelled.TYPE)
    assert event.read(OrderCancelled).by == "staff"


async def test_a_shipped_order_is_not_cancelled(client: Client, world: World) -> None:
    order = await bought(world)
    parcel = {"carrier": "Yamato", "tracking": "1234-5678"}
    await client.post(f"/api/orders/{order.id}/shipment", json=parcel, headers=world.as_staff("support"))

    response = await client.post(f"/api/orders/{order.id}/cancel", headers=world.as_staff("support"))

    assert response.status == 409
    assert await world.left() == STOCKED - 2


async def test_of_shipping_and_cancelling_at_once_one_wins(client: Client, world: World) -> None:
    for _ in range(5):
        order = await bought(world)
        staff = world.as_staff("support")
        parcel = {"carrier": "Yamato", "tracking": "1234-5678"}
        shipped, cancelled = await asyncio.gather(
            client.post(f"/api/orders/{order.id}/shipment", json=parcel, headers=staff),
            client.post(f"/api/orders/{order.id}/cancel", headers=staff),
        )

        assert sorted([shipped.status, cancelled.status]) == [200, 409]


async def test_an_erased_buyers_order_is_cancelled_and_nobody_is_told(world: World) -> None:
    order = await bought(world)
    await world.deps.people.erase(f"order:{order.id}")

    order = await cancel(world.deps, order, by="staff:s-1")

    await assert_all_is_back(world, order)
    for event, contract in zip(world.pending[order.id][1:], (OrderCancelled, RefundCompleted), strict=True):
        sealed = event.read(contract).recipient
        to = world.sealing.unsealer("mailer").open(Notified, sealed, event=event, field="recipient")
        assert to == Notified()


async def test_marks_in_stock_go_a_day_later(world: World) -> None:
    order = await cancel(world.deps, await bought(world), by="buyer")
    tomorrow = world.clock() + (world.clock() - order.created_at)

    await sweep_marks(world.deps)
    assert len(await world.stores.stock.marks_before(tomorrow.replace(year=2099), limit=9)) == 1
    world.clock.advance(seconds=86_401)
    await sweep_marks(world.deps)

    assert await world.stores.stock.marks_before(tomorrow.replace(year=2099), limit=9) == []
    assert await world.left() == STOCKED
