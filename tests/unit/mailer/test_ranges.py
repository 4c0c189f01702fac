import asyncio
import contextlib
from datetime import timedelta

import pytest

from services.mailer.campaigns.domain import CampaignState
from services.mailer.campaigns.usecases import cancel_campaign, pause_campaign, resume_campaign
from services.mailer.sending.domain import Result, Terms
from services.mailer.sending.ranges import GOOD_FOR, QUEUE, Ranges
from services.mailer.sending.run import SendingStopped
from services.mailer.sending.spread import FEW
from services.mailer.testing.harness import open_shop
from shared.bus import Outgoing
from shared.contracts.mailer import RangePlanned
from shared.errors import TransientError
from shared.events import Event, decode, encode
from shared.topology import EXCHANGE, dead_queue

SIZE = 10


@pytest.fixture
async def shop():
    async with open_shop(range_size=SIZE) as opened:
        yield opened


async def readers(shop, count):
    return sorted([await shop.subscriber(f"reader-{number}@example.org") for number in range(count)])


@contextlib.asynccontextmanager
async def working(shop, *, count=1, **changes):
    """So many worker processes, each with its own look at the same stores."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(Ranges(shop.sending(**changes), shop.bus).run(stop))
        try:
            yield
        finally:
            stop.set()


def planned(shop, campaign, *, after="", upto="~", id="range-1"):
    contract = RangePlanned(campaign_id=campaign.id, after=after, upto=upto)
    event = Event.of(contract, id=id, subject=campaign.id, at=shop.clock())
    return Outgoing(EXCHANGE, event.type, encode(event), event.id, event.type)


async def begun(shop):
    campaign = await shop.campaign()
    await shop.campaigns.begin(campaign, at=shop.clock())
    return campaign


class Broker:
    """The bus of the shop; notes what is published, and is away where told so."""

    def __init__(self, shop):
        self._bus = shop.bus
        self.events = []
        self.most_waiting = 0

    async def publish(self, messages):
        self.events += [decode(message.body) for message in messages]
        await self._bus.publish(messages)
        self.most_waiting = max(self.most_waiting, len(self._bus.queues[QUEUE]))

    def __getattr__(self, name):
        return getattr(self._bus, name)

    @property
    def spans(self):
        return [(event.data["after"], event.data["upto"]) for event in self.events]


async def test_a_run_plans_ranges_that_hold_everybody_once_and_works_them_off_alone(shop):
    ids = await readers(shop, 35)
    await shop.campaign()
    broker = Broker(shop)

    progress = await shop.send(bus=broker)

    assert broker.spans == [("", ids[9]), (ids[9], ids[19]), (ids[19], ids[29]), (ids[29], ids[34])]
    assert set(shop.sink.accepted.values()) == {1}
    assert len(shop.sink.accepted) == progress.results[Result.ACCEPTED] == 35
    assert (await shop.campaigns.get("c-1")).state is CampaignState.SENT
    assert not shop.bus.queues[QUEUE]


async def test_a_campaign_to_a_few_is_sent_by_one_run_without_the_broker(shop):
    await readers(shop, SIZE)
    await shop.campaign()
    broker = Broker(shop)

    await shop.send(bus=broker)

    assert broker.events == []
    assert shop.sink.accepted.total() == SIZE


async def test_ranges_are_planned_only_a_few_ahead_of_those_who_work_them_off(shop):
    await readers(shop, 300)
    await shop.campaign()
    broker = Broker(shop)

    await shop.send(bus=broker)

    assert len(broker.events) == 30
    assert broker.most_waiting <= 4 * FEW
    assert set(shop.sink.accepted.values()) == {1}
    assert len(shop.sink.accepted) == 300


async def test_without_the_broker_a_run_does_everything_alone(shop):
    await readers(shop, 35)
    await shop.campaign()
    shop.bus.is_away = True

    await shop.send(bus=shop.bus)

    assert len(shop.sink.accepted) == 35
    assert (await shop.campaigns.get("c-1")).state is CampaignState.SENT


async def test_what_lies_with_a_worker_that_never_sends_it_is_made_up_for_by_the_run(shop):
    ids = await readers(shop, 35)
    await shop.campaign()
    taken = asyncio.Event()

    async def swallow(_delivery):
        taken.set()

    stop = asyncio.Event()
    swallowing = asyncio.create_task(shop.bus.consume(QUEUE, swallow, prefetch=100, stop=stop))
    await shop.send(bus=shop.bus)
    stop.set()
    await swallowing

    assert taken.is_set()
    assert len(shop.sink.accepted) == len(ids)
    assert set(shop.sink.accepted.values()) == {1}


async def test_a_worker_sends_to_its_range_alone(shop):
    ids = await readers(shop, 6)
    campaign = await begun(shop)
    await shop.bus.publish([planned(shop, campaign, after=ids[1], upto=ids[3])])

    async with working(shop):
        await shop.bus.settled(QUEUE)

    got = [key for key, record in shop.subscribers.records.items() if campaign.id in record.issues]
    assert sorted(got) == ids[2:4]
    assert shop.sink.accepted.total() == 2


async def test_a_range_delivered_twice_or_to_two_workers_sends_nothing_twice(shop):
    await readers(shop, 30)
    campaign = await begun(shop)
    await shop.bus.publish([planned(shop, campaign, id=f"range-{number}") for number in range(4)])

    async with working(shop, count=2):
        await shop.bus.settled(QUEUE)

    assert set(shop.sink.accepted.values()) == {1}
    assert len(shop.sink.accepted) == 30


@pytest.mark.parametrize("stop", [cancel_campaign, pause_campaign])
async def test_a_campaign_stopped_in_the_middle_is_sent_no_further_by_any_worker(shop, stop):
    await readers(shop, 60)
    campaign = await begun(shop)
    await shop.bus.publish([planned(shop, campaign, id=f"range-{number}") for number in range(3)])
    deps = shop.deps()
    at_the_dot = 2 * 2 * shop.settings.smtp_connections

    async with working(shop, count=2):
        await shop.sink.wait_for(5)
        await stop(deps, campaign.id)
        at_the_answer = shop.sink.accepted.total()
        await shop.bus.settled(QUEUE)

    assert shop.sink.accepted.total() <= at_the_answer + at_the_dot
    assert shop.sink.accepted.total() < 60
    assert await shop.claims.holders(campaign.id) == set()
    assert not shop.bus.queues[dead_queue("mailer")]


async def test_ranges_of_a_paused_campaign_are_passed_over_and_planned_again_when_it_goes_on(shop):
    await readers(shop, 25)
    campaign = await begun(shop)
    deps = shop.deps()
    await pause_campaign(deps, campaign.id)
    await shop.bus.publish([planned(shop, campaign)])
    async with working(shop):
        await shop.bus.settled(QUEUE)
    while_paused = shop.sink.accepted.total()
    await resume_campaign(deps, campaign.id)

    await shop.send(bus=shop.bus)

    assert (while_paused, shop.sink.accepted.total()) == (0, 25)


async def test_a_range_of_a_campaign_that_nobody_has_begun_is_passed_over(shop):
    await readers(shop, 5)
    campaign = await shop.campaign()
    await shop.bus.publish([planned(shop, campaign)])

    async with working(shop):
        await shop.bus.settled(QUEUE)

    assert shop.sink.accepted.total() == 0


async def test_an_old_range_is_passed_over(shop):
    await readers(shop, 5)
    campaign = await begun(shop)
    await shop.bus.publish([planned(shop, campaign)])
    shop.clock.at += GOOD_FOR + timedelta(seconds=1)

    async with working(shop):
        await shop.bus.settled(QUEUE)

    assert shop.sink.accepted.total() == 0


async def test_after_a_restore_no_worker_sends_anything(shop):
    await readers(shop, 5)
    campaign = await begun(shop)
    shop.restored.at = shop.clock()
    await shop.bus.publish([planned(shop, campaign)])

    async with working(shop):
        await shop.bus.settled(QUEUE)

    assert shop.sink.accepted.total() == 0
    assert len(shop.bus.queues["mailer.retry.1s"]) == 1


async def test_a_range_whose_relay_is_away_waits_and_is_sent_when_it_comes_again(shop):
    await readers(shop, 5)
    campaign = await begun(shop)
    await shop.bus.publish([planned(shop, campaign)])
    shop.sink.script = lambda stage, _recipient: b"421 4.3.2 away\r\n" if stage == "mail" else None
    async with working(shop):
        await shop.bus.settled(QUEUE)
        away = shop.sink.accepted.total()
        shop.sink.script = lambda _stage, _recipient: None
        await shop.bus.pass_delays()
        await shop.bus.settled(QUEUE)

    assert (away, shop.sink.accepted.total()) == (0, 5)


async def test_a_run_whose_relay_is_away_plans_no_more_and_says_so(shop):
    await readers(shop, 300)
    await shop.campaign()
    broker = Broker(shop)
    shop.sink.script = lambda stage, _recipient: b"421 4.3.2 away\r\n" if stage == "mail" else None

    with pytest.raises(SendingStopped):
        await shop.send(bus=broker)

    assert len(broker.events) < 30
    assert shop.sink.accepted.total() == 0


async def test_a_worker_that_stops_gives_back_what_it_holds_and_its_range(shop):
    await readers(shop, 40)
    campaign = await begun(shop)
    await shop.bus.publish([planned(shop, campaign)])
    async with working(shop):
        await shop.sink.wait_for(3)
    sent = shop.sink.accepted.total()

    assert sent < 40
    assert all(record.live is None for record in shop.subscribers.records.values())
    assert len(shop.bus.queues["mailer.retry.1s"]) == 1


async def test_a_run_waits_for_a_worker_as_long_as_that_one_goes_on(shop):
    """Longer than a dead run would seem alive: each look finds another batch under way."""
    ids = await readers(shop, 4)
    campaign = await begun(shop)
    place = shop.settings.calendar.place_at(shop.clock())

    def terms(fence):
        return Terms(campaign.id, "offers", place, "other", fence, shop.clock())

    await shop.runs.beat("other", ttl_s=1000)
    await shop.claims.claim(ids, terms("f-0"))
    sending = asyncio.create_task(shop.send(bus=shop.bus))
    looked = shop.claims.fences
    looks = 0

    async def next_batch(campaign_id):
        nonlocal looks
        found = await looked(campaign_id)
        looks += 1
        if looks < 5:
            await shop.claims.settle(ids, f"f-{looks - 1}", Result.GIVEN_BACK, at=shop.clock())
            await shop.claims.claim(ids, terms(f"f-{looks}"))
        else:
            await shop.claims.settle(ids, "f-4", Result.ACCEPTED, at=shop.clock())
        return found

    shop.claims.fences = next_batch
    progress = await sending

    assert looks == 5
    assert progress.being_sent_by_others == 0
    assert (await shop.campaigns.get(campaign.id)).state is CampaignState.SENT


async def test_a_run_tells_how_many_copies_are_with_others_when_it_ends(shop, capsys):
    ids = await readers(shop, 4)
    campaign = await begun(shop)
    place = shop.settings.calendar.place_at(shop.clock())
    await shop.runs.beat("other", ttl_s=1000)
    await shop.claims.claim(ids[:3], Terms(campaign.id, "offers", place, "other", "f", shop.clock()))

    progress = await shop.send(bus=shop.bus)

    assert progress.being_sent_by_others == 3
    assert shop.sink.accepted.total() == 1


async def test_a_broken_range_is_a_dead_letter_and_those_behind_it_go_on(shop):
    await readers(shop, 5)
    campaign = await begun(shop)
    broken = Event("e-1", RangePlanned.TYPE, "mailer", "c-1", shop.clock(), {"campaign_id": 7})
    await shop.bus.publish([Outgoing(EXCHANGE, broken.type, encode(broken), "e-1"), planned(shop, campaign)])

    async with working(shop):
        await shop.bus.settled(QUEUE)

    assert len(shop.bus.queues[dead_queue("mailer")]) == 1
    assert shop.sink.accepted.total() == 5


async def test_trouble_with_the_clocks_puts_the_range_off(shop):
    await readers(shop, 5)
    campaign = await begun(shop)

    async def another_time():
        raise TransientError("database away")

    await shop.bus.publish([planned(shop, campaign)])
    async with working(shop, database_time=another_time):
        await shop.bus.settled(QUEUE)

    assert shop.sink.accepted.total() == 0
    assert len(shop.bus.queues["mailer.retry.1s"]) == 1
