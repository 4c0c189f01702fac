"""A campaign shared out: ranges planned one by one, only a few ahead of the processes that work them off."""

import asyncio

import structlog

from services.mailer.campaigns.domain import Campaign
from services.mailer.sending.domain import Terms
from services.mailer.sending.progress import Progress
from services.mailer.sending.ranges import QUEUE, Ranges
from services.mailer.sending.run import Run, Sending
from shared.bus import Bus, Outgoing
from shared.contracts.mailer import RangePlanned
from shared.errors import TransientError
from shared.events import Event, encode
from shared.ids import new_id
from shared.topology import EXCHANGE

FEW, MANY = 4, 256
_LOOK_AGAIN_S = 0.25

log = structlog.get_logger(__name__)


async def spread(sending: Sending, run: Run, campaign: Campaign, progress: Progress) -> None:
    """Hand the campaign out in ranges, and work them off along with all other processes, until none is waiting.

    Nothing depends on it: what is not sent when it returns is still to be claimed. Where the broker is away it returns.
    """
    assert sending.bus is not None
    done = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(Ranges(sending, sending.bus, host=run, progress=progress).run(done))
        try:
            await _Plan(sending, sending.bus, run, campaign).hand_out()
        except TransientError as error:
            log.warning("ranges cannot be handed out: this run goes on alone", error=str(error))
        finally:
            done.set()


class _Plan:
    """Walks along the keys of those who can be claimed. The database finds the boundaries, no subscriber is loaded."""

    def __init__(self, sending: Sending, bus: Bus, run: Run, campaign: Campaign) -> None:
        self._sending = sending
        self._bus = bus
        self._run = run
        self._campaign = campaign
        self._after = ""
        self._ahead = FEW

    async def hand_out(self) -> None:
        """Until everything is handed out and taken, or nothing new may be begun."""
        is_over = False
        while self._may_go_on():
            waiting = (await self._bus.depths([QUEUE]))[QUEUE]
            if is_over and not waiting:
                return
            if not is_over:
                is_over = await self._fill_up(waiting)
            await asyncio.sleep(_LOOK_AGAIN_S)

    def _may_go_on(self) -> bool:
        return not self._run.must_stop() and self._sending.clock() < self._campaign.not_after

    async def _fill_up(self, waiting: int) -> bool:
        """As many ranges as lie ahead of the workers; more where these had nothing left. Whether it was the last."""
        if not waiting:
            self._ahead = min(2 * self._ahead, MANY)
        for _ in range(self._ahead - waiting):
            upto = await self._boundary()
            if not upto or not await self._is_wanted():
                return True
            await self._publish(upto)
            self._after = upto
        return False

    async def _boundary(self) -> str:
        now, campaign = self._sending.clock(), self._campaign
        place = self._sending.settings.calendar.place_at(now)
        is_follow_up = campaign.follow_up is not None
        terms = Terms(campaign.id, campaign.topic, place, self._run.id, "", now, is_follow_up)
        return await self._sending.claims.boundary(terms, after=self._after, size=self._sending.settings.range_size)

    async def _is_wanted(self) -> bool:
        return (await self._sending.campaigns.get(self._campaign.id)).is_open

    async def _publish(self, upto: str) -> None:
        planned = RangePlanned(campaign_id=self._campaign.id, after=self._after, upto=upto)
        event = Event.of(planned, id=new_id(), subject=self._campaign.id, at=self._sending.clock())
        await self._bus.publish([Outgoing(EXCHANGE, event.type, encode(event), event.id, event.type)])
