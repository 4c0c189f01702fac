"""One sending process's life: its signs of life, the clocks, and why it has to stop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from services.mailer.bounces.tags import ReturnPaths
from services.mailer.campaigns.store import Campaigns
from services.mailer.config import Settings
from services.mailer.sending.recipients import Recipients
from services.mailer.sending.store import Claims, Runs
from services.mailer.smtp.pool import MailRelay
from shared.bus import Bus
from shared.clock import Clock, system_clock
from shared.errors import TransientError
from shared.ids import new_id
from shared.restored import NeverRestored, Restored

NEVER = NeverRestored()
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sending:
    """What sending needs.

    Args:
        clock: the shop's time, which a rehearsal sets.
        wall_clock: the machine's time, to be compared with `database_time`.
        restored: whether the database comes from a backup, which locks newsletters.
        pauses_s: before each new attempt at an unreachable relay.
        bus: where ranges are handed out; without it a run works alone.
    """

    settings: Settings
    clock: Clock
    campaigns: Campaigns
    claims: Claims
    runs: Runs
    recipients: Recipients
    return_paths: ReturnPaths
    relay: MailRelay
    database_time: Callable[[], Awaitable[datetime]]
    wall_clock: Clock = system_clock
    restored: Restored = NEVER
    pauses_s: tuple[float, ...] = (0.2, 1.0, 3.0)
    bus: Bus | None = None


class ClocksDiffer(TransientError):
    """The clocks of this process and of the database differ: nobody knows which month it is."""


class SendingStopped(TransientError):
    """A run gave up: the relay or the database is away. What it held goes out in the next run."""


@dataclass(slots=True)
class Run:
    """A run. `trouble` is why it stops before everything is done; a wish to stop is no trouble."""

    stop: asyncio.Event
    id: str = field(default_factory=new_id)
    trouble: TransientError | None = None

    def must_stop(self) -> bool:
        """Whether nothing new may be begun."""
        return self.stop.is_set() or self.trouble is not None

    def fail(self, trouble: TransientError) -> None:
        """Stop, because of this. The first trouble counts."""
        self.trouble = self.trouble or trouble


@asynccontextmanager
async def living(sending: Sending, stop: asyncio.Event) -> AsyncIterator[Run]:
    """A run that gives signs of life while the block runs.

    Raises:
        ClocksDiffer: at the start, or at the end where the clocks came apart in between.
        SendingStopped, TransientError: the trouble that ended it.
    """
    run = Run(stop)
    await _check_clocks(sending)
    await sending.runs.beat(run.id, ttl_s=sending.settings.run_ttl_s)
    beating = asyncio.create_task(_beat(sending, run))
    try:
        yield run
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
    if run.trouble:
        raise run.trouble  # the run is not ended but left to die: what it held is recovered by others
    await sending.runs.end(run.id)


async def _beat(sending: Sending, run: Run) -> None:
    ttl_s = sending.settings.run_ttl_s
    failures = 0
    while True:
        await asyncio.sleep(ttl_s / 4)
        try:
            async with asyncio.timeout(ttl_s / 4):
                await sending.runs.beat(run.id, ttl_s=ttl_s)
            await _check_clocks(sending)
            failures = 0
        except ClocksDiffer as trouble:
            run.fail(trouble)
        except (TransientError, TimeoutError):
            failures += 1
            log.warning("no sign of life could be given", count=failures)
            if failures >= 2:
                run.fail(SendingStopped("the database is away"))


async def _check_clocks(sending: Sending) -> None:
    difference = abs((sending.wall_clock() - await sending.database_time()).total_seconds())
    if difference > sending.settings.clock_tolerance_s:
        raise ClocksDiffer(f"the clocks of this process and of the database are {difference:.0f} s apart")
