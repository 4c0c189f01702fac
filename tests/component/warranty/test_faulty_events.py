"""What must never come so, and does: reversed, of a later release, from the future. On the real broker and database."""

from dataclasses import replace
from datetime import timedelta

from services.warranty.orders import ORDERS
from services.warranty.records.usecases import record_purchase
from services.warranty.work import PURCHASES, build_work
from shared.contracts.orders import OrderDelivered, PurchaseCompleted
from shared.deadletters import list_dead, replay_dead
from shared.events import Event
from shared.mongo import Database
from shared.topology import dead_queue
from shared.work import Work, running
from tests.component.warranty.test_purchases_consumed import (
    Warranty,
    consuming,
    depth_of,
    drained,
    until,
    warranty,
)
from tests.unit.warranty.doubles import NOON
from tests.unit.warranty.test_orders import refunded, shipped

__all__ = ["warranty"]  # the fixture

LATER = "orders.purchase.completed.v2"


def delivered(order: str = "o-1") -> Event:
    told = OrderDelivered(order_id=order, number="N", delivered_at=NOON + timedelta(hours=3))
    return Event.of(told, id=f"e-d-{order}", subject=order, at=told.delivered_at)


async def parked(broker_url: str, count: int) -> dict[str, str]:
    """The dead letters, once there are so many: why, by event."""

    async def depth() -> int:
        return await depth_of(dead_queue("warranty"), broker_url)

    await until(depth, count)
    return {letter.id: letter.reason for letter in await list_dead(broker_url, "warranty")}


async def test_shipped_delivered_and_paid_back_before_the_purchase_is_known(
    warranty: Warranty, database: Database, broker_url: str
) -> None:
    async with consuming(warranty):
        await warranty.announce(refunded(200), delivered(), shipped("TF-1"), shipped("TF-1"))
        known = {"delivered_at": NOON + timedelta(hours=3), "refunded_minor": 200}
        await until(lambda: database["order_facts"].count_documents(known), 1)
        await until(lambda: database["item_facts"].count_documents({}), 1)
        assert await warranty.deps.purchases.count() == 0
        await warranty.announce(warranty.orders.purchase("a-1"))
        await warranty.holds(1)

    [record] = await warranty.deps.purchases.of_order("o-1")
    assert (record.serial, record.shipped_at, record.order_refunded_minor) == ("TF-1", NOON, 200)
    assert record.delivered_at == NOON + timedelta(hours=3)
    await drained(warranty, broker_url, ORDERS, PURCHASES)
    assert await depth_of(dead_queue("warranty"), broker_url) == 0


async def test_an_event_of_an_unknown_version_is_parked_and_processed_after_the_upgrade(
    warranty: Warranty, broker_url: str
) -> None:
    unknown = replace(warranty.orders.purchase("a-1", order="o-2"), type=LATER)

    async with consuming(warranty):
        await warranty.send(unknown, key=PurchaseCompleted.TYPE)
        await warranty.announce(warranty.orders.purchase("a-1"))
        await warranty.holds(1)
        assert await parked(broker_url, 1) == {"e-o-2": "unknown-event"}
    async with running(warranty.runtime, upgraded(warranty)):
        await until(lambda: replay_dead(broker_url, "warranty"), 1)
        await warranty.holds(2)

    assert await parked(broker_url, 0) == {}


def upgraded(warranty: Warranty) -> Work:
    """The work of the release that knows the later version: it says what the former did."""

    async def record_later(event: Event) -> None:
        await record_purchase(warranty.deps, replace(event, type=PurchaseCompleted.TYPE))

    work = build_work(warranty.deps)
    return replace(work, handlers={**work.handlers, PURCHASES: {**work.handlers[PURCHASES], LATER: record_later}})


async def test_an_event_from_the_future_is_parked_and_processed_when_its_day_has_come(
    warranty: Warranty, broker_url: str
) -> None:
    ahead = NOON + timedelta(days=40)
    never = warranty.orders.purchase("a-1", order="o-9")
    never.data["purchased_at"] = "9999-12-31T23:59:59Z"

    async with consuming(warranty):
        await warranty.announce(warranty.orders.purchase("a-1", order="o-2", at=ahead), never)
        await warranty.announce(warranty.orders.purchase("a-1"))
        await warranty.holds(1)
        assert await parked(broker_url, 2) == {"e-o-2": "from-the-future", "e-o-9": "from-the-future"}
        warranty.orders.clock.at = ahead
        await until(lambda: replay_dead(broker_url, "warranty", "e-o-2"), 1)
        await warranty.holds(2)

    assert await parked(broker_url, 1) == {"e-o-9": "from-the-future"}
