import asyncio
import contextlib
import random
import signal
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from services.mailer.campaigns.domain import CampaignState
from services.mailer.sending.domain import Result, Terms
from services.mailer.sending.run import SendingStopped
from services.mailer.testing.press import issue_of

TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(("at", "cap"), [("2026-11-22T12:00", 3), ("2027-02-10T12:00", 1)])
async def test_two_senders_at_once_never_exceed_the_cap_nor_repeat_an_issue(press, sink, at, cap):
    press.clock.at = datetime.fromisoformat(at).replace(tzinfo=TOKYO)
    await press.subscribe(60)
    for number in range(cap + 1):
        await press.campaign(f"c-{number}")

    await asyncio.gather(press.send(), press.send())

    assert len(sink.accepted) == 60
    assert set(sink.accepted.values()) == {cap}
    subjects = [(recipient, issue_of(message)) for recipient, message in sink.messages]
    assert len(subjects) == len(set(subjects))


async def test_whoever_has_left_gets_no_copy_that_begins_after_the_answer(press, sink):
    subscribers = await press.subscribe(60)
    await press.campaign("c-1")
    addresses = dict(zip(subscribers, (f"reader-{n:04}@example.org" for n in range(60)), strict=True))
    left: set[str] = set()
    late: list[str] = []

    def watch(stage, recipient):
        if stage == "data" and recipient in left:
            begun_late.add(recipient)
        if stage == "dot" and recipient in begun_late:
            late.append(recipient)

    begun_late: set[str] = set()
    sink.script = watch
    sending = asyncio.create_task(press.send())
    random.shuffle(subscribers)
    for subscriber in subscribers[:40]:
        await press.leave(subscriber)
        left.add(addresses[subscriber])
    await sending

    results = await press.claims.results("c-1")
    assert late == []
    assert results[Result.ACCEPTED] == sink.accepted.total()
    assert set(sink.accepted.values()) == {1}


async def test_a_run_that_died_with_claims_and_dots_is_made_up_for(press, sink):
    subscribers = sorted(await press.subscribe(10))
    await press.campaign("c-1")
    sending = press.sending()
    await sending.runs.beat("dead", ttl_s=-1)
    place = press.settings.calendar.place_at(press.clock())
    await press.claims.claim(subscribers, Terms("c-1", "offers", place, "dead", "fence", press.clock()))
    await press.claims.mark_dot(subscribers[:3], "fence")

    await press.send()

    results = await press.claims.results("c-1")
    assert (results[Result.ACCEPTED], results[Result.UNKNOWN]) == (7, 3)
    assert sink.accepted.total() == 7
    assert (await press.campaigns.get("c-1")).state is CampaignState.SENT


async def test_cancelling_in_the_middle_stops_what_has_not_begun(press, sink):
    await press.subscribe(60)
    await press.campaign("c-1")
    sending = asyncio.create_task(press.send())
    await sink.wait_for(5)
    await press.campaigns.cancel(await press.campaigns.get("c-1"))
    await press.claims.cancel("c-1")
    at_the_answer = sink.accepted.total()
    await sending

    assert sink.accepted.total() <= at_the_answer + 4
    assert await press.claims.holders("c-1") == set()
    months = await press.database["subscribers"].distinct("months.2026-11")
    counted = await press.database["subscribers"].count_documents({"months.2026-11": 1})
    assert set(months) <= {0, 1}
    assert counted == sink.accepted.total()


async def came_to_its_end(press) -> bool:
    """One run; on a busy machine it may take the database to be away, and the next one goes on."""
    with contextlib.suppress(SendingStopped):
        await press.send()
        return True
    return False


async def test_senders_killed_at_random_send_nothing_twice_and_nothing_above_the_cap(press, sink, mongo_url):
    await press.subscribe(150)
    for number in range(4):
        await press.campaign(f"c-{number}")
    arguments = press.command(mongo_url)
    random.seed(7)

    kills = 0
    for _ in range(8):
        sender = await asyncio.create_subprocess_exec(*arguments)
        async with asyncio.timeout(60):
            ended = asyncio.create_task(sender.wait())
            aimed = asyncio.create_task(sink.wait_for(sink.accepted.total() + random.randint(1, 60)))
            await asyncio.wait({ended, aimed}, return_when=asyncio.FIRST_COMPLETED)
            if sender.returncode is None:
                sender.send_signal(signal.SIGKILL)
                kills += 1
            await ended
            aimed.cancel()
    async with asyncio.timeout(120):
        while not await came_to_its_end(press):
            pass

    assert kills >= 4
    copies = [(recipient, issue_of(message)) for recipient, message in sink.messages]
    assert len(copies) == len(set(copies))
    assert max(sink.accepted.values()) <= 3
    unknown = sum([(await press.claims.results(f"c-{number}"))[Result.UNKNOWN] for number in range(4)])
    assert 150 * 3 - unknown <= sink.accepted.total() <= 150 * 3
    assert unknown <= 8 * 3 * 4  # kills, workers for each connection, connections
    assert await press.database["subscribers"].count_documents({"live": {"$exists": True}}) == 0
