import argparse
import asyncio
from datetime import UTC, datetime, timedelta

from services.mailer.commands import schedule
from shared.clock import shifted_clock, system_clock
from shared.leases import Leases


class Desk:
    """As much of `Deps` as the schedule touches."""

    def __init__(self, press, leases) -> None:
        self.clock = just_before_the_minute()
        self.settings = press.settings.model_copy(update={"send_cron": "* * * * *"})
        self.sending = press.sending()
        self.leases = leases


def just_before_the_minute():
    now = system_clock()
    minute = now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    return shifted_clock((minute - now).total_seconds() - 0.3)


async def test_two_schedulers_send_each_issue_once(press, sink, database):
    press.clock.at = datetime.now(UTC)
    await press.subscribe(5)
    await press.campaign("c-1")
    leases = Leases(database)
    desks = [Desk(press, leases) for _ in range(2)]
    schedulers = [asyncio.create_task(schedule(desk, argparse.Namespace())) for desk in desks]

    async with asyncio.timeout(20):
        await sink.wait_for(5)
        while (await press.campaigns.get("c-1")).is_open:
            await asyncio.sleep(0.01)
    for scheduler in schedulers:
        scheduler.cancel()
    await asyncio.gather(*schedulers, return_exceptions=True)
    for desk in desks:
        await desk.sending.relay.close()

    assert set(sink.accepted.values()) == {1}
    assert len(sink.accepted) == 5
