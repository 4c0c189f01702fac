"""A look at an order is told to auth: the event leaves with the write that keeps the look."""

import pytest

from services.orders.desk.mongo import MongoAccesses
from services.orders.desk.store import Access
from services.orders.service import ensure_order_indexes
from services.orders.work import build_work
from shared.contracts.orders import AccessRecorded
from shared.events import Event, decode
from shared.mongo import Database
from shared.testing.clock import NOON
from shared.testing.relay import MemoryRelay
from tests.unit.orders.world import World, a_world

ACCESS = Access("x-1", "o-1", "a-1", "s-1", ("support",), "order-contact", NOON, b"sealed")


def _event() -> Event:
    told = AccessRecorded(
        access_id="x-1", account_id="a-1", staff_id="s-1", roles=("support",), what="order-contact", subject="o-1",
        accessed_at=NOON, reason={},
    )  # fmt: skip
    return Event.of(told, id="e-1", subject="o-1", at=NOON)


@pytest.fixture
async def relay(database: Database) -> MemoryRelay:
    await ensure_order_indexes(database)
    return MemoryRelay()


async def test_a_look_is_kept_with_its_event(database: Database, relay: MemoryRelay) -> None:
    accesses = MongoAccesses(database, relay)

    await accesses.add(ACCESS, [_event()])

    document = await database["accesses"].find_one({"_id": "x-1"})
    assert document is not None
    assert [decode(row["body"]) for row in document["outbox"]] == [_event()]
    assert [(place, name) for place, name, _ in relay.announced] == [("accesses", "x-1")]
    assert await accesses.of_order("o-1") == [ACCESS]
    assert await accesses.of_order("o-2") == []


async def test_a_pending_event_is_found_through_the_index_of_outboxes(database: Database, relay: MemoryRelay) -> None:
    indexes = await database["accesses"].index_information()

    assert "outbox_pending" in indexes


async def test_the_relay_of_orders_looks_at_accesses() -> None:
    async with a_world() as world:
        assert "accesses" in _outboxes(world)


def _outboxes(world: World) -> list[str]:
    return list(build_work(world.deps).outboxes)
