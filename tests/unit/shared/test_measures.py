"""What the gauges say, and that what cannot be asked stops nothing."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from shared import measures
from shared.errors import TransientError
from shared.outbox import Backlog
from shared.testing.bus import MemoryBus
from shared.testing.clock import NOON, FixedClock
from shared.testing.keys import MemoryKeys
from shared.testing.suites.bus import QUEUE, an_event, published


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_messages_that_lie_in_the_services_queues_are_counted() -> None:
    bus = MemoryBus()
    await bus.publish([published(an_event("e-1")), published(an_event("e-2"))])

    await measures.measure_queues(bus, "warranty")

    assert value("padlock_queue_messages", queue=QUEUE) == 2
    assert value("padlock_queue_messages", queue="warranty.dead") == 0
    assert value("padlock_queue_messages", queue="warranty.retry.600s") == 0
    assert value("padlock_peer_up", peer="broker") == 1


async def test_a_broker_that_is_away_is_told_and_the_rest_is_measured_all_the_same() -> None:
    bus, done = MemoryBus(), []
    bus.is_away = True

    async def queues() -> None:
        await measures.measure_queues(bus, "warranty")

    async def wrong() -> None:
        raise KeyError("a mistake of ours")

    async def last() -> None:
        done.append("last")

    await measures.measure_once([queues, wrong, last])

    assert value("padlock_peer_up", peer="broker") == 0
    assert done == ["last"]
    with pytest.raises(TransientError):
        await queues()


def test_the_outbox_is_as_old_as_its_oldest_event() -> None:
    measures.measure_backlog(Backlog(3, NOON - timedelta(seconds=90)), FixedClock())
    assert (value("padlock_outbox_pending"), value("padlock_outbox_age_seconds")) == (3, 90)

    measures.measure_backlog(Backlog(), FixedClock())
    assert (value("padlock_outbox_pending"), value("padlock_outbox_age_seconds")) == (0, 0)


def test_a_keys_age_is_that_of_its_current_version() -> None:
    keys = MemoryKeys(["fields"])
    keys.rotate("fields")
    keys.ages = {("fields", 1): 900.0, ("fields", 2): 60.0}

    measures.measure_keys(keys)

    assert value("padlock_key_age_seconds", purpose="fields") == 60
    assert value("padlock_key_versions", purpose="fields") == 2
