"""The relay: what a write carries is published, whoever dies in between."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shared.broker import RabbitBus, open_bus
from shared.bus import Bus, Outgoing
from shared.clock import system_clock
from shared.errors import TransientError
from shared.events import Event
from shared.leases import Leases
from shared.mongo import Database, bulk_write, ensure_indexes
from shared.outbox import FIELD, INDEX, SENT_AT_ONCE, Backlog, Relay, backlog, pending
from shared.testing.bus import MemoryBus
from shared.testing.suites.bus import Inbox, an_event, consuming


def fresh(id: str) -> Event:
    event = an_event(id)
    return Event(event.id, event.type, event.source, event.subject, system_clock(), event.data)


async def store(database: Database, *events: Event, id: str = "o-1") -> None:
    await database["orders"].insert_one({"_id": id, FIELD: pending(events)})


@asynccontextmanager
async def relaying(database: Database, bus: Bus, *, after_s: float = 0) -> AsyncIterator[Relay]:
    await ensure_indexes(database["orders"], [INDEX])
    relay = Relay(database, bus, Leases(database), clock=system_clock, service="orders")
    stop = asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(relay.run(["orders"], stop=stop, takes_over_after_s=after_s))
        await asyncio.sleep(0)
        try:
            yield relay
        finally:
            stop.set()


@pytest.fixture
async def bus(broker_url: str) -> AsyncIterator[RabbitBus]:
    async with open_bus(broker_url, name="test") as opened:
        yield opened


async def emptied(database: Database) -> None:
    """Wait until no document carries a pending event."""
    async with asyncio.timeout(20):
        while await database["orders"].count_documents({f"{FIELD}.0": {"$exists": True}}):
            await asyncio.sleep(0.02)


async def test_what_was_announced_is_published_and_removed(database: Database, bus: RabbitBus) -> None:
    inbox, event = Inbox(), fresh("e-1")
    async with relaying(database, bus, after_s=3600) as relay, consuming(bus, lambda d: inbox.put(d.message_id)):
        await store(database, event)
        relay.announce("orders", "o-1", [event])

        assert await inbox.wait(1) == ["e-1"]
        await emptied(database)


async def test_what_a_dead_process_left_behind_is_published(database: Database, bus: RabbitBus) -> None:
    inbox = Inbox()
    await store(database, fresh("e-1"), fresh("e-2"))

    async with relaying(database, bus), consuming(bus, lambda d: inbox.put(d.message_id)):
        assert sorted(await inbox.wait(2)) == ["e-1", "e-2"]
        await emptied(database)


async def test_an_event_added_while_another_is_published_stays(database: Database) -> None:
    bus = _SlowBus()
    first, second = fresh("e-1"), fresh("e-2")
    async with relaying(database, bus, after_s=3600) as relay:
        await store(database, first)
        relay.announce("orders", "o-1", [first])
        await bus.entered.wait()
        await database["orders"].update_one({"_id": "o-1"}, {"$push": {FIELD: {"$each": pending([second])}}})
        bus.release.set()
        await _carries(database, ["e-2"])

    assert [d.message_id for d in bus.queues["warranty.purchases"]] == ["e-1"]


async def test_an_event_does_not_wait_for_those_on_their_way_and_so_many_batches_leave_no_more(
    database: Database,
) -> None:
    bus, numbers = _SlowBus(), itertools.count()
    async with relaying(database, bus, after_s=3600) as relay:
        for _ in range(SENT_AT_ONCE):
            relay.announce("orders", "o-1", [fresh(f"e-{next(numbers)}")])
            before = len(bus.asked)
            while len(bus.asked) == before:  # `relaying` has a deadline
                await asyncio.sleep(0)
        for _ in range(5):
            relay.announce("orders", "o-1", [fresh(f"e-{next(numbers)}")])
            await asyncio.sleep(0.01)
        bus.release.set()

    assert bus.asked == [*[1] * SENT_AT_ONCE, 5]


async def test_what_was_told_about_the_same_time_is_removed_in_one_command(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus, removed = _SlowBus(), list[int]()

    async def counted(collection: Any, writes: Any) -> Any:
        removed.append(len(writes))
        return await bulk_write(collection, writes)

    monkeypatch.setattr("shared.outbox.bulk_write", counted)
    events = [fresh(f"e-{number}") for number in range(4)]
    async with relaying(database, bus, after_s=3600) as relay:
        for number, event in enumerate(events):
            await store(database, event, id=f"o-{number}")
            relay.announce("orders", f"o-{number}", [event])
            await asyncio.sleep(0)
        bus.release.set()
        await emptied(database)

    assert removed == [4]


async def test_the_next_event_does_not_wait_until_the_last_is_removed(
    database: Database, bus: RabbitBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, may_remove = Inbox(), asyncio.Event()

    async def late(*arguments: Any) -> Any:
        await may_remove.wait()
        return await bulk_write(*arguments)

    monkeypatch.setattr("shared.outbox.bulk_write", late)
    async with relaying(database, bus, after_s=3600) as relay, consuming(bus, lambda d: inbox.put(d.message_id)):
        for number in (1, 2):
            event = fresh(f"e-{number}")
            await store(database, event, id=f"o-{number}")
            relay.announce("orders", f"o-{number}", [event])
            await inbox.wait(number)
        may_remove.set()
        await emptied(database)

    assert inbox.got == ["e-1", "e-2"]


async def test_nothing_is_removed_while_the_broker_is_away(database: Database) -> None:
    bus = MemoryBus()
    bus.is_away = True
    event = fresh("e-1")
    async with relaying(database, bus) as relay:
        await store(database, event)
        relay.announce("orders", "o-1", [event])
        await _carries(database, ["e-1"])

        bus.is_away = False
        await emptied(database)

    assert {d.message_id for d in bus.queues["warranty.purchases"]} == {"e-1"}


async def test_the_poll_reads_only_documents_with_pending_events(database: Database) -> None:
    await ensure_indexes(database["orders"], [INDEX])
    await store(database, fresh("e-1"))
    await database["orders"].insert_many([{"_id": f"done-{n}", FIELD: []} for n in range(50)])

    plan = await database["orders"].find({f"{FIELD}.at": {"$lte": system_clock()}}).explain()
    stats = await database.command("explain", _find(), verbosity="executionStats")

    assert "outbox_pending" in str(plan["queryPlanner"]["winningPlan"])
    assert stats["executionStats"]["totalKeysExamined"] == 1


def _find() -> dict[str, object]:
    return {"find": "orders", "filter": {f"{FIELD}.at": {"$lte": system_clock()}}}


async def _carries(database: Database, ids: list[str]) -> None:
    """Wait until the document carries exactly these events."""
    async with asyncio.timeout(20):
        while True:
            document = await database["orders"].find_one({"_id": "o-1"})
            if document and [row["id"] for row in document[FIELD]] == ids:
                return
            await asyncio.sleep(0.02)


class _SlowBus(MemoryBus):
    """Confirms when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []
        self.entered = asyncio.Event()
        self.release = asyncio.Event()

    async def publish(self, messages: list[Outgoing]) -> None:  # type: ignore[override]  # narrower, for the test
        self.asked.append(len(messages))
        self.entered.set()
        await self.release.wait()
        if self.is_away:
            raise TransientError("away")
        await super().publish(messages)


async def test_the_backlog_is_what_waits_with_its_oldest_event(database: Database) -> None:
    await ensure_indexes(database["orders"], [INDEX])
    await ensure_indexes(database["links"], [INDEX])
    first, second = an_event("e-1"), fresh("e-2")
    assert await backlog(database, ["orders", "links"]) == Backlog()

    await store(database, second, id="o-1")
    await database["links"].insert_one({"_id": "l-1", FIELD: pending([fresh("e-3"), first])})
    await database["links"].insert_one({"_id": "l-2", FIELD: []})

    assert await backlog(database, ["orders", "links"]) == Backlog(2, first.time)
