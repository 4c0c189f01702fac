"""What every bus must do. A test class inherits `BusSuite` and gives the bus in a fixture `bus`."""
# ruff: noqa: D102 - the name of a test is its sentence

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from shared.bus import Bus, Delivery, MissingQueue, Outgoing
from shared.consumer import Consumer, Handler
from shared.errors import InvalidInput, TransientError
from shared.events import Event, encode
from shared.testing.clock import NOON, FixedClock
from shared.topology import EXCHANGE, dead_queue

QUEUE = "warranty.purchases"
TYPE = "orders.purchase.completed.v1"
WAIT_S = 20


def an_event(id: str = "e-1", *, type: str = TYPE, **data: object) -> Event:
    """A well-formed event whose data nobody checks."""
    return Event(id=id, type=type, source="orders", subject="o-1", time=NOON, data=dict(data))


def published(event: Event) -> Outgoing:
    """The message that a relay would publish for it."""
    return Outgoing(EXCHANGE, event.type, encode(event), event.id, type=event.type)


class Inbox:
    """Collects what a consumer received, and lets a test wait for so many."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self._changed = asyncio.Condition()

    async def put(self, id: str) -> None:
        """One more."""
        async with self._changed:
            self.got.append(id)
            self._changed.notify_all()

    async def wait(self, count: int) -> list[str]:
        """The ids, once there are `count` of them."""
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(lambda: len(self.got) >= count)
        return list(self.got)


@asynccontextmanager
async def consuming(
    bus: Bus, receive: Callable[[Delivery], Awaitable[None]], queue: str = QUEUE
) -> AsyncIterator[None]:
    """Consume for the length of the block, then stop and wait for what is in flight."""
    stop = asyncio.Event()
    async with asyncio.timeout(WAIT_S * 2), asyncio.TaskGroup() as group:
        group.create_task(bus.consume(queue, receive, prefetch=20, stop=stop))
        try:
            yield
        finally:
            stop.set()


def consumer(bus: Bus, handler: Handler) -> Consumer:
    """A consumer of the suite's queue with one handler."""
    return Consumer(bus, QUEUE, {TYPE: handler}, clock=FixedClock())


class BusSuite:
    """Runs on the bus in memory and on RabbitMQ alike."""

    async def test_what_is_published_before_the_consumer_starts_waits_for_it(self, bus: Bus) -> None:
        inbox = Inbox()
        await bus.publish([published(an_event("e-1")), published(an_event("e-2"))])

        async with consuming(bus, lambda d: inbox.put(d.message_id)):
            assert sorted(await inbox.wait(2)) == ["e-1", "e-2"]

    async def test_an_event_that_nobody_is_bound_to_is_caught_and_not_lost(self, bus: Bus) -> None:
        inbox = Inbox()

        await bus.publish([published(an_event("e-1", type="orders.thing.nobody-wants.v1"))])

        async with consuming(bus, lambda d: inbox.put(d.message_id), queue="shop.unrouted"):
            assert await inbox.wait(1) == ["e-1"]

    async def test_publishing_to_a_missing_exchange_fails(self, bus: Bus) -> None:
        with pytest.raises((TransientError, KeyError)):
            await bus.publish([Outgoing("no.such.exchange", "x", b"{}", "e-1")])

    async def test_what_is_settled_does_not_come_again(self, bus: Bus) -> None:
        first, second = Inbox(), Inbox()
        await bus.publish([published(an_event("e-1"))])
        async with consuming(bus, lambda d: first.put(d.message_id)):
            await first.wait(1)

        await bus.publish([published(an_event("e-2"))])
        async with consuming(bus, lambda d: second.put(d.message_id)):
            assert await second.wait(1) == ["e-2"]

    async def test_a_refusal_goes_to_the_dead_letters_with_its_reason(self, bus: Bus) -> None:
        dead: list[Delivery] = []
        inbox = Inbox()

        async def refuse(event: Event) -> None:
            raise InvalidInput("no")

        async def bury(delivery: Delivery) -> None:
            dead.append(delivery)
            await inbox.put(delivery.message_id)

        await bus.publish([published(an_event("e-1"))])
        async with consuming(bus, consumer(bus, refuse).receive), consuming(bus, bury, dead_queue("warranty")):
            await inbox.wait(1)

        assert dead[0].headers["x-padlock-reason"] == "invalid-input"
        assert dead[0].headers["x-padlock-queue"] == QUEUE

    async def test_a_poison_message_does_not_block_those_behind_it(self, bus: Bus) -> None:
        inbox = Inbox()

        async def handle(event: Event) -> None:
            await inbox.put(event.id)

        poison = Outgoing(EXCHANGE, TYPE, b"{not json", "poison")
        await bus.publish([poison, published(an_event("good"))])
        async with consuming(bus, consumer(bus, handle).receive):
            assert await inbox.wait(1) == ["good"]

    async def test_an_unknown_version_is_parked_among_the_dead_letters(self, bus: Bus) -> None:
        inbox = Inbox()

        async def handle(event: Event) -> None:
            raise AssertionError("not for this handler")

        event = an_event("e-1", type="orders.purchase.completed.v9")
        await bus.publish([Outgoing(EXCHANGE, TYPE, encode(event), event.id)])
        async with (
            consuming(bus, consumer(bus, handle).receive),
            consuming(bus, lambda d: inbox.put(str(d.headers["x-padlock-reason"])), dead_queue("warranty")),
        ):
            assert await inbox.wait(1) == ["unknown-event"]

    async def test_what_lies_in_a_queue_is_counted_until_it_is_settled(self, bus: Bus) -> None:
        inbox = Inbox()
        await bus.publish([published(an_event("e-1")), published(an_event("e-2"))])

        assert await bus.depths([QUEUE, dead_queue("warranty")]) == {QUEUE: 2, dead_queue("warranty"): 0}
        async with consuming(bus, lambda d: inbox.put(d.message_id)):
            await inbox.wait(2)
        assert await bus.depths([QUEUE]) == {QUEUE: 0}

    async def test_counting_a_queue_that_is_not_there_fails(self, bus: Bus) -> None:
        with pytest.raises(MissingQueue) as refused:
            await bus.depths([QUEUE, "warranty.no-such-queue"])

        assert refused.value.queue == "warranty.no-such-queue"

    async def test_a_thousand_messages_arrive_once_each(self, bus: Bus) -> None:
        inbox = Inbox()
        await bus.publish([published(an_event(f"e-{i}")) for i in range(1000)])

        async with consuming(bus, lambda d: inbox.put(d.message_id)):
            got = await inbox.wait(1000)

        assert sorted(got) == sorted(f"e-{i}" for i in range(1000))
