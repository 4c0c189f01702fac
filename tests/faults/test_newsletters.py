"""Newsletters while senders are killed and readers leave, counted in the test's own mail server.

A small run as part of `make test`; the long one: `NEWSLETTERS=20000 SENDERS=8 NEWSLETTER_KILLS=60 RACES=500`. `SEED=`
chooses another course. `-s` shows the figures.
"""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from services.mailer.deps import ensure_all_indexes
from services.mailer.sending.domain import Result
from services.mailer.sending.run import SendingStopped
from services.mailer.testing.press import Press, issue_of
from services.mailer.testing.sink import Sink, running_sink
from shared.mongo import Database
from tests.faults.told import tell

COPIES = int(os.environ.get("NEWSLETTERS", "450"))
SENDERS = int(os.environ.get("SENDERS", "3"))
KILLS = int(os.environ.get("NEWSLETTER_KILLS", "4"))
RACES = int(os.environ.get("RACES", "60"))
SEED = int(os.environ.get("SEED", "20261122"))
CAP = 3  # of November, when all of this happens
CAMPAIGNS = [f"c-{number}" for number in range(CAP + 1)]
TOKYO = ZoneInfo("Asia/Tokyo")
TOO_LONG_S = 1800


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with running_sink() as opened:
        yield opened


@pytest.fixture
async def press(database: Database, sink: Sink) -> Press:
    await ensure_all_indexes(database)
    return Press(database, sink.port)


async def test_killed_senders_exceed_no_cap_and_send_no_issue_twice(press: Press, sink: Sink, mongo_url: str) -> None:
    readers = COPIES // CAP
    await press.subscribe(readers)
    for campaign in CAMPAIGNS:
        await press.campaign(campaign)
    begun = time.monotonic()

    async with asyncio.timeout(TOO_LONG_S):
        killed = await send_and_kill(sink, press.command(mongo_url), copies=readers * CAP)
        await finish(press)

    copies = [(recipient, issue_of(message)) for recipient, message in sink.messages]
    ledger = await outcomes(press)
    twice = len(copies) - len(set(copies))
    print(f"\n{len(copies)} copies to {readers} readers by {SENDERS} senders with {killed} kills in "
          f"{time.monotonic() - begun:.0f} s: {above(sink)} above the cap, {twice} issues twice, "
          f"{ledger[Result.UNKNOWN]} unknown")  # fmt: skip
    assert killed == KILLS
    assert above(sink) == 0
    assert twice == 0
    assert ledger[Result.ACCEPTED] + ledger[Result.UNKNOWN] == readers * CAP  # nobody was forgotten
    assert ledger[Result.ACCEPTED] <= len(copies) <= readers * CAP
    await nothing_is_held_and_every_month_is_full(press, readers)
    tell("newsletters, kills of senders", cases=len(copies), faults=killed, begun=begun)


def above(sink: Sink) -> int:
    return sum(count > CAP for count in sink.accepted.values())


async def outcomes(press: Press) -> Counter[Result]:
    ledger: Counter[Result] = Counter()
    for campaign in CAMPAIGNS:
        ledger.update(await press.claims.results(campaign))
    return ledger


async def send_and_kill(sink: Sink, command: Sequence[str], *, copies: int) -> int:
    """Keep so many senders at work, and kill one now and then until most copies have arrived; how many were killed."""
    dice = random.Random(SEED)
    senders = [await asyncio.create_subprocess_exec(*command) for _ in range(SENDERS)]
    killed = 0
    try:
        while killed < KILLS:
            span = 0.8 * copies / KILLS  # the rest is for those copies whose fate the kills leave unknown
            await reached(sink, int(span * (killed + dice.random())), senders, command)
            victim = dice.randrange(SENDERS)
            if senders[victim].returncode is None:
                senders[victim].kill()
            killed += await senders[victim].wait() == -signal.SIGKILL
            senders[victim] = await asyncio.create_subprocess_exec(*command)
        await asyncio.gather(*(sender.wait() for sender in senders))
        return killed
    finally:
        for sender in senders:
            if sender.returncode is None:
                sender.kill()
                await sender.wait()


async def reached(sink: Sink, goal: int, senders: list[asyncio.subprocess.Process], command: Sequence[str]) -> None:
    """Wait until the mail server has taken so many; a sender that has ended meanwhile is replaced."""
    waiting = asyncio.create_task(sink.wait_for(goal))
    while not waiting.done():
        ends = {asyncio.create_task(sender.wait()): place for place, sender in enumerate(senders)}
        done, others = await asyncio.wait([waiting, *ends], return_when=asyncio.FIRST_COMPLETED)
        for task in others - {waiting}:
            task.cancel()
        for task in done - {waiting}:
            senders[ends[task]] = await asyncio.create_subprocess_exec(*command)


async def nothing_is_held_and_every_month_is_full(press: Press, readers: int) -> None:
    stored = press.database["subscribers"]
    assert await stored.count_documents({"live": {"$exists": True}}) == 0
    assert await stored.count_documents({"months.2026-11": CAP}) == readers


async def test_nobody_who_has_left_gets_a_newsletter_that_began_after_the_answer(press: Press, sink: Sink) -> None:
    subscribers = await press.subscribe(2 * RACES)
    await press.campaign("c-1")
    leavers = {f"reader-{number:04}@example.org": subscribers[number] for number in range(RACES)}
    stages = dict(zip(leavers, ["mail-done", "rcpt", "data", "text", "dot"] * RACES, strict=False))
    left: set[str] = set()
    begun_late: set[str] = set()
    late: list[str] = []
    async with asyncio.TaskGroup() as group:

        async def leave(recipient: str) -> None:
            await press.leave(leavers[recipient])
            left.add(recipient)  # from here on the answer stands

        def watch(stage: str, recipient: str) -> None:
            if stage == "data" and recipient in left:
                begun_late.add(recipient)
            if stage == "dot" and recipient in begun_late:
                late.append(recipient)
            if recipient in leavers and stages[recipient] == stage:
                stages[recipient] = ""
                group.create_task(leave(recipient))

        sink.script = watch
        for recipient, stage in stages.items():
            if stage == "mail-done":  # before anybody has come to their copy
                group.create_task(leave(recipient))
        async with asyncio.timeout(TOO_LONG_S):
            await asyncio.gather(finish(press), finish(press))

    stayed = [f"reader-{number:04}@example.org" for number in range(RACES, 2 * RACES)]
    print(f"\n{RACES} who left while their copy was on its way: {len(late)} late, "
          f"{sum(sink.accepted[each] for each in leavers)} copies were at their dot before")  # fmt: skip
    assert late == []
    assert len(left) == RACES
    assert [sink.accepted[each] for each in stayed] == [1] * RACES
    assert max(sink.accepted.values()) == 1


async def test_greylisting_over_the_end_of_the_month_gives_no_place_away(press: Press, sink: Sink) -> None:
    """January and February have one place each; copies that are put off in the one may arrive in the other."""
    press.clock.at = datetime(2027, 1, 31, 23, 50, tzinfo=TOKYO)
    await press.subscribe(30)
    await press.campaign("january")
    sink.script = lambda stage, recipient: b"451 greylisted" if stage == "rcpt" else None
    await press.send()
    put_off = sink.accepted.total()

    sink.script = lambda stage, recipient: None
    press.clock.at = datetime(2027, 2, 1, 0, 10, tzinfo=TOKYO)
    await press.send()
    over_the_edge = Counter(sink.accepted)
    press.clock.at = datetime(2027, 2, 10, 12, 0, tzinfo=TOKYO)
    await press.campaign("february")
    await press.send()

    assert put_off == 0
    assert set(over_the_edge.values()) == {1}
    assert len(over_the_edge) == 30
    assert sink.accepted == over_the_edge  # the copy that may count as January's has taken February's place, too
    stored = press.database["subscribers"]
    assert await stored.count_documents({"months": {"2027-01": 1, "2027-02": 1}}) == 30


async def test_a_month_that_ends_between_recipient_and_text_gives_copies_back(press: Press, sink: Sink) -> None:
    press.clock.at = datetime(2026, 10, 31, 23, 59, 59, tzinfo=TOKYO)
    await press.subscribe(20)
    await press.campaign("october")

    def midnight(stage: str, recipient: str) -> bytes | None:
        if stage == "rcpt":
            press.clock.at = datetime(2026, 11, 1, 0, 0, 1, tzinfo=TOKYO)
        return None

    sink.script = midnight
    await press.send()

    assert dict(Counter(sink.accepted.values())) == {1: 20}
    stored = press.database["subscribers"]
    assert await stored.count_documents({"months": {"2026-10": 1, "2026-11": 1}}) == 20


CUT = b""
DEFER, REFUSE = b"450 later", b"550 no"


STAGES = ("connect", "mail", "rcpt", "data", "dot")
POINTS = [("text", CUT), *((stage, answer) for stage in STAGES for answer in (CUT, DEFER, REFUSE))]


@pytest.mark.parametrize(("stage", "answer"), POINTS)
async def test_trouble_at_any_point_of_the_dialogue_never_brings_a_second_copy(
    press: Press, sink: Sink, stage: str, answer: bytes
) -> None:
    """A relay that fails every third time, at one point of the dialogue, over three runs; then it is well."""
    await press.subscribe(24)
    await press.campaign("c-1")
    turns = {"count": 0}

    def trouble(at: str, recipient: str) -> bytes | None:
        if at != stage:
            return None
        turns["count"] += 1
        return answer if turns["count"] % 3 == 0 else None

    sink.script = trouble
    for _ in range(3):
        await run(press)
    sink.script = lambda at, recipient: None
    await finish(press)

    results = await press.claims.results("c-1")
    settled = results[Result.ACCEPTED] + results[Result.UNKNOWN] + results[Result.REFUSED]
    assert max(sink.accepted.values()) == 1
    assert settled == 24
    assert results[Result.ACCEPTED] <= sink.accepted.total() <= results[Result.ACCEPTED] + results[Result.UNKNOWN]
    stored = press.database["subscribers"]
    assert await stored.count_documents({"months.2026-11": 1}) == settled - results[Result.REFUSED]


async def run(press: Press) -> bool:
    """One run; whether it came to its end. It may stop because relay or database are away, or only slow."""
    with contextlib.suppress(SendingStopped):
        await press.send()
        return True
    return False


async def finish(press: Press) -> None:
    """Run after run, as a schedule does, until one has come to its end."""
    while not await run(press):
        pass


async def test_a_slow_relay_costs_time_and_nothing_else(press: Press, sink: Sink) -> None:
    """Its replies to the dot stay away for longer than we wait, for every fourth copy: those are unknown, and count."""
    await press.subscribe(16)
    await press.campaign("c-1")
    await press.campaign("c-2")
    turns = {"count": 0}

    def slow(at: str, recipient: str) -> bytes | None:
        if at != "dot":
            return None
        turns["count"] += 1
        return b"\0" if turns["count"] % 4 == 0 else None

    sink.script = slow
    await press.send()
    sink.script = lambda at, recipient: None
    await press.send()

    copies = [(recipient, issue_of(message)) for recipient, message in sink.messages]
    ledger = await press.claims.results("c-1"), await press.claims.results("c-2")
    assert len(copies) == len(set(copies)) == 32
    assert sum(each[Result.UNKNOWN] for each in ledger) == turns["count"] // 4
    assert set(sink.accepted.values()) == {2}
