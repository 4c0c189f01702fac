"""Ranges of a campaign's subscribers, as a process works them off: each is one delivery of the broker's.

What is delivered twice, or to two processes, is harmless: who gets a copy is decided by the claim alone. What is lost
is made up for by whoever planned it, or by the next run.
"""

import asyncio
from datetime import timedelta

import structlog

from services.mailer.campaigns.domain import Campaign, CampaignState
from services.mailer.locked import check_unlocked
from services.mailer.sending.domain import Span
from services.mailer.sending.feed import Pace
from services.mailer.sending.progress import Progress
from services.mailer.sending.run import Run, Sending, SendingStopped, living
from services.mailer.sending.worker import Pass
from shared.bus import Bus
from shared.consumer import Consumer
from shared.contracts.mailer import RangePlanned
from shared.errors import TransientError
from shared.events import Event

QUEUE = "mailer.ranges"
PREFETCH = 2
"""While one range waits for its last replies, the other is under way."""
GOOD_FOR = timedelta(minutes=15)
"""An older range says nothing any more: whoever planned it has made up for it, or the next run does."""
LASTS_S = 600.0
"""A range that takes longer, for the relay is slow, is put back; the broker would take it for lost after 30 minutes."""
_PATIENCE_S = 900.0

log = structlog.get_logger(__name__)


class RangeTakesLong(SendingStopped):
    """The rest of the range goes back to the queue."""


class Ranges:
    """Works off ranges until it is told to stop. `host`: the run that planned them, which shares the troubles."""

    def __init__(
        self, sending: Sending, bus: Bus, *, host: Run | None = None, progress: Progress | None = None
    ) -> None:
        self._sending = sending
        self._bus = bus
        self._host = host
        self._progress = progress or Progress()
        self._pace = Pace(sending.settings.claim_batch)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; what is under way then is given back in good order, and goes to another process."""

        async def work(event: Event) -> None:
            await self._work(event, stop)

        consumer = Consumer(
            self._bus, QUEUE, {RangePlanned.TYPE: work}, clock=self._sending.clock, timeout_s=_PATIENCE_S
        )
        await self._bus.consume(QUEUE, consumer.receive, prefetch=PREFETCH, stop=stop)

    async def _work(self, event: Event, stop: asyncio.Event) -> None:
        planned = event.read(RangePlanned)
        campaign = await self._sending.campaigns.get(planned.campaign_id)
        if self._is_past(campaign, event):
            log.info("range passed over", campaign_id=campaign.id)
            return
        await check_unlocked(self._sending.restored, self._sending.settings.calendar, self._sending.clock())
        stopping = self._host.stop if self._host else stop
        try:
            await self._send(campaign, Span(planned.after, planned.upto), stopping)
        except RangeTakesLong:
            raise
        except TransientError as trouble:
            if self._host:
                self._host.fail(trouble)
            raise
        if stopping.is_set():
            raise TransientError("stopping: the range goes to another process")

    def _is_past(self, campaign: Campaign, event: Event) -> bool:
        now = self._sending.clock()
        return campaign.state is not CampaignState.SENDING or now >= campaign.not_after or now - event.time > GOOD_FOR

    async def _send(self, campaign: Campaign, span: Span, stop: asyncio.Event) -> None:
        # A run of its own: were this cut off, what it holds would be given back as a dead run's, whoever else lives.
        async with living(self._sending, stop) as run:
            limit = asyncio.get_running_loop().call_later(LASTS_S, run.fail, RangeTakesLong("the relay is slow"))
            try:
                await Pass(self._sending, run, campaign, self._progress, spans=[span], pace=self._pace).go()
            finally:
                limit.cancel()
