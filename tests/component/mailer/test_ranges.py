"""Ranges on the real broker and database: what several `mailer work` processes make of one campaign."""

import asyncio
import contextlib
import itertools
import signal
from collections.abc import AsyncIterator

import aio_pika
import pytest

from services.mailer.campaigns.domain import CampaignState
from services.mailer.sending.domain import Result
from services.mailer.sending.ranges import PREFETCH, QUEUE
from services.mailer.testing.press import RANGE, issue_of
from shared.broker import open_bus
from shared.bus import Outgoing
from shared.contracts.mailer import RangePlanned
from shared.events import Event, encode
from shared.topology import EXCHANGE, dead_queue

READERS = 6 * RANGE
SECONDS = 120
CONNECTIONS = 4
"""Of one process."""


@pytest.fixture
async def bus(broker_url):
    async with open_bus(broker_url, name="test") as opened:
        yield opened


class Workers:
    """Processes that work off ranges, and may be killed."""

    def __init__(self, press, mongo_url, broker_url) -> None:
        self._command = press.command(mongo_url, works_for=broker_url)
        self._broker_url = broker_url
        self.running = []

    async def start(self, count) -> None:
        """Start them; all have subscribed to the queue on return."""
        for _ in range(count):
            self.running.append(await asyncio.create_subprocess_exec(*self._command))
        async with asyncio.timeout(SECONDS), await aio_pika.connect(self._broker_url) as connection:
            channel = await connection.channel()
            while (await channel.declare_queue(QUEUE, passive=True)).declaration_result.consumer_count < count:
                await asyncio.sleep(0.05)

    async def kill(self, worker) -> None:
        self.running.remove(worker)
        worker.send_signal(signal.SIGKILL)
        await worker.wait()


@pytest.fixture
async def workers(press, mongo_url, broker_url) -> AsyncIterator[Workers]:
    opened = Workers(press, mongo_url, broker_url)
    yield opened
    for worker in list(opened.running):
        with contextlib.suppress(ProcessLookupError):
            await opened.kill(worker)


async def plan_ranges(press, bus, *, times=1) -> dict[str, str]:
    """What a run leaves in the queue that dies when it has planned everything; addresses by subscriber."""
    subscribers = await press.subscribe(READERS)
    keys = sorted(subscribers)
    await press.campaign("c-1")
    await press.campaigns.begin(await press.campaigns.get("c-1"), at=press.clock())
    edges = ["", *keys[RANGE - 1 :: RANGE]]
    for number, (after, upto) in enumerate([*itertools.pairwise(edges)] * times):
        planned = RangePlanned(campaign_id="c-1", after=after, upto=upto)
        event = Event.of(planned, id=f"range-{number}", subject="c-1", at=press.clock())
        await bus.publish([Outgoing(EXCHANGE, event.type, encode(event), event.id, event.type)])
    return {subscriber: f"reader-{number:04}@example.org" for number, subscriber in enumerate(subscribers)}


async def until_nobody_is_left(press, bus) -> None:
    """No range waits, and nobody could still be claimed."""
    wanted = {"state": "confirmed", "issues.campaign": {"$ne": "c-1"}, "live": None}
    async with asyncio.timeout(SECONDS):
        while (await bus.depths([QUEUE]))[QUEUE] or await press.database["subscribers"].count_documents(wanted):
            await asyncio.sleep(0.1)


async def until_nothing_is_held(press, *, but_by: frozenset[str] = frozenset()) -> None:
    async with asyncio.timeout(SECONDS):
        while await press.claims.holders("c-1") - but_by:
            await asyncio.sleep(0.1)


def assert_nobody_got_it_twice(sink) -> None:
    copies = [(recipient, issue_of(message)) for recipient, message in sink.messages]
    assert len(copies) == len(set(copies))


async def test_two_workers_share_the_ranges_of_a_campaign(press, sink, bus, workers):
    await workers.start(2)
    await plan_ranges(press, bus)

    async with asyncio.timeout(SECONDS):
        await sink.wait_for(READERS)

    assert_nobody_got_it_twice(sink)
    assert len(sink.accepted) == READERS
    assert sink.connections > CONNECTIONS


async def test_a_run_plans_and_everybody_works(press, sink, bus, workers):
    await workers.start(2)
    await press.subscribe(READERS)
    await press.campaign("c-1")

    async with asyncio.timeout(SECONDS):
        progress = await press.send(bus)

    assert_nobody_got_it_twice(sink)
    assert len(sink.accepted) == READERS
    assert progress.results[Result.ACCEPTED] < READERS
    assert (progress.left, progress.being_sent_by_others) == (0, 0)
    assert (await press.campaigns.get("c-1")).state is CampaignState.SENT
    assert await bus.depths([QUEUE, dead_queue("mailer")]) == {QUEUE: 0, dead_queue("mailer"): 0}


async def test_a_worker_killed_in_the_middle_costs_nobody_a_copy_and_sends_none_twice(press, sink, bus, workers):
    await workers.start(2)
    await plan_ranges(press, bus)
    async with asyncio.timeout(SECONDS):
        await sink.wait_for(RANGE)
    await workers.kill(workers.running[0])
    at_the_kill = sink.accepted.total()

    async with asyncio.timeout(SECONDS):
        while (await press.campaigns.get("c-1")).state is not CampaignState.SENT:
            await press.send(bus)

    unknown = (await press.claims.results("c-1"))[Result.UNKNOWN]
    assert at_the_kill < READERS
    assert_nobody_got_it_twice(sink)
    assert READERS - unknown <= len(sink.accepted) <= READERS
    assert unknown <= PREFETCH * 3 * CONNECTIONS  # three workers for each connection, in each range at hand
    assert await press.database["subscribers"].count_documents({"live": {"$exists": True}}) == 0


async def test_the_ranges_of_a_killed_worker_go_to_another(press, sink, bus, workers):
    await workers.start(1)
    await plan_ranges(press, bus)
    async with asyncio.timeout(SECONDS):
        await sink.wait_for(1)
    await workers.kill(workers.running[0])
    dead = frozenset(await press.claims.holders("c-1"))
    await workers.start(1)

    await until_nobody_is_left(press, bus)
    await until_nothing_is_held(press, but_by=dead)

    held = await press.database["subscribers"].count_documents({"live": {"$exists": True}})
    got = await press.database["subscribers"].count_documents({"issues.campaign": "c-1"})
    assert_nobody_got_it_twice(sink)
    assert held <= 2 * RANGE
    assert held + got == READERS


async def test_ranges_delivered_twice_send_nothing_twice(press, sink, bus, workers):
    await workers.start(2)
    await plan_ranges(press, bus, times=2)

    async with asyncio.timeout(SECONDS):
        await sink.wait_for(READERS)
    await until_nobody_is_left(press, bus)

    assert_nobody_got_it_twice(sink)
    assert len(sink.accepted) == READERS


async def test_a_campaign_cancelled_in_the_middle_ends_in_every_worker(press, sink, bus, workers):
    await workers.start(2)
    await plan_ranges(press, bus)
    async with asyncio.timeout(SECONDS):
        await sink.wait_for(RANGE)
    await press.campaigns.cancel(await press.campaigns.get("c-1"))
    await press.claims.cancel("c-1")
    at_the_answer = sink.accepted.total()
    async with asyncio.timeout(SECONDS):
        while (await bus.depths([QUEUE]))[QUEUE]:
            await asyncio.sleep(0.1)
    await until_nothing_is_held(press)

    assert sink.accepted.total() <= at_the_answer + 2 * CONNECTIONS
    assert sink.accepted.total() < READERS
    counted = await press.database["subscribers"].count_documents({"months.2026-11": 1})
    assert counted == sink.accepted.total()
    assert await bus.depths([dead_queue("mailer")]) == {dead_queue("mailer"): 0}


async def test_whoever_leaves_gets_no_copy_from_any_worker_that_begins_after_the_answer(press, sink, bus, workers):
    left: set[str] = set()
    begun_late: set[str] = set()
    late: list[str] = []

    def watch(stage, recipient):
        if stage == "data" and recipient in left:
            begun_late.add(recipient)
        if stage == "dot" and recipient in begun_late:
            late.append(recipient)

    sink.script = watch
    await workers.start(2)
    addresses = await plan_ranges(press, bus)
    async with asyncio.timeout(SECONDS):
        await sink.wait_for(1)
    waiting = press.database["subscribers"].find({"issues.campaign": {"$ne": "c-1"}}, {"_id": 1})
    leaving = [document["_id"] for document in await waiting.to_list(100)]
    for subscriber in leaving:
        await press.leave(subscriber)
        left.add(addresses[subscriber])
    await until_nobody_is_left(press, bus)
    await until_nothing_is_held(press)

    assert late == []
    assert len(left) == len(leaving) > 0
    assert_nobody_got_it_twice(sink)
