"""The bus in memory keeps what every bus promises, and delays pass when told."""

import pytest

from shared.bus import Bus
from shared.errors import TransientError
from shared.events import Event
from shared.testing.bus import MemoryBus
from shared.testing.suites.bus import QUEUE, BusSuite, Inbox, an_event, consumer, consuming, published
from shared.topology import DELAYS_S, dead_queue


class TestMemoryBus(BusSuite):
    @pytest.fixture
    def bus(self) -> Bus:
        return MemoryBus()


async def test_a_transient_failure_is_tried_again_after_each_delay_and_then_buried() -> None:
    bus, inbox = MemoryBus(), Inbox()

    async def fail(event: Event) -> None:
        await inbox.put(event.id)
        raise TransientError("peer down")

    await bus.publish([published(an_event("e-1"))])
    async with consuming(bus, consumer(bus, fail).receive):
        for turn in range(len(DELAYS_S)):
            await inbox.wait(turn + 1)
            await bus.settled(QUEUE)
            assert await bus.pass_delays() == 1
        await inbox.wait(len(DELAYS_S) + 1)
        await bus.settled(QUEUE)

    [dead] = bus.queues[dead_queue("warranty")]
    assert dead.headers["x-padlock-reason"] == "TransientError"
    assert dead.headers["x-padlock-attempt"] == len(DELAYS_S)
