"""RabbitMQ keeps what every bus promises."""

from collections.abc import AsyncIterator

import pytest

from shared import deadletters
from shared.broker import open_bus
from shared.bus import Bus
from shared.errors import InvalidInput, NotFound, TransientError
from shared.events import Event, decode
from shared.testing.suites.bus import BusSuite, Inbox, an_event, consumer, consuming, published


@pytest.fixture
async def bus(broker_url: str) -> AsyncIterator[Bus]:
    async with open_bus(broker_url, name="test") as opened:
        yield opened


class TestRabbitBus(BusSuite):
    pass


async def test_a_transient_failure_comes_back_by_itself(bus: Bus) -> None:
    tries = Inbox()

    async def fail_once(event: Event) -> None:
        await tries.put(event.id)
        if len(tries.got) == 1:
            raise TransientError("peer down")

    await bus.publish([published(an_event("e-1"))])
    async with consuming(bus, consumer(bus, fail_once).receive):
        assert await tries.wait(2) == ["e-1", "e-1"]


async def test_dead_letters_are_listed_shown_and_replayed(bus: Bus, broker_url: str) -> None:
    refused, handled = Inbox(), Inbox()

    async def refuse(event: Event) -> None:
        await refused.put(event.id)
        raise InvalidInput("not yet")

    async def handle(event: Event) -> None:
        await handled.put(event.id)

    await bus.publish([published(an_event("e-1", note="kept"))])
    async with consuming(bus, consumer(bus, refuse).receive):
        await refused.wait(1)

    [letter] = await deadletters.list_dead(broker_url, "warranty")
    shown = await deadletters.show_dead(broker_url, "warranty", "e-1")
    assert (letter.id, letter.reason, letter.queue) == ("e-1", "invalid-input", "warranty.purchases")
    assert decode(shown.body).data == {"note": "kept"}

    assert await deadletters.replay_dead(broker_url, "warranty", "e-1") == 1
    async with consuming(bus, consumer(bus, handle).receive):
        assert await handled.wait(1) == ["e-1"]
    assert await deadletters.list_dead(broker_url, "warranty") == []


async def test_showing_a_letter_that_is_not_there_is_refused(broker_url: str) -> None:
    with pytest.raises(NotFound):
        await deadletters.show_dead(broker_url, "warranty", "nobody")


async def test_a_broker_that_is_away_is_a_transient_error() -> None:
    async with open_bus("amqp://guest:guest@127.0.0.1:1/", name="test") as bus:
        with pytest.raises(TransientError):
            await bus.publish([published(an_event())])
        assert not await bus.ping()
