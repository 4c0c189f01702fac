"""Copies for a run's workers: claimed in batches, one batch ahead, given back where nobody takes them."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.mailer.campaigns.domain import Campaign
from services.mailer.campaigns.edition import Copy
from services.mailer.sending.domain import LAST_KEY, Result, Span, Terms
from services.mailer.sending.ledger import Entry
from services.mailer.sending.run import Run, Sending
from services.mailer.subscriptions.links import new_subscriber_id
from shared.ids import new_token

_FIRST_BATCH = 100
_SMALLEST_BATCH = 50
_BATCH_LASTS_S = 4.0


@dataclass(frozen=True, slots=True)
class Task:
    """A claimed copy and the language of its reader."""

    entry: Entry
    copy: Copy
    language: str


def everybody_from_somewhere() -> list[Span]:
    """All subscribers, from a random key on, so that runs at the same time spread out."""
    start = new_subscriber_id()
    return [Span(start, LAST_KEY), Span("", start)]


@dataclass(slots=True)
class Pace:
    """How many to claim at once: batches last a few seconds, so that what is claimed is soon handed over."""

    most: int
    size: int = _FIRST_BATCH
    fetched_at: float = field(default_factory=time.monotonic)

    def claimed(self, count: int) -> None:
        """A batch of `count` follows the one before: the next is as large as lasts, whatever the relay's pace."""
        now = time.monotonic()
        pace = count / max(now - self.fetched_at, 0.001)
        self.fetched_at = now
        self.size = max(_SMALLEST_BATCH, min(self.most, int(pace * _BATCH_LASTS_S)))


class Feed:
    """One pass over spans of a campaign's subscribers, in order."""

    def __init__(self, sending: Sending, run: Run, campaign: Campaign, spans: Sequence[Span], pace: Pace) -> None:
        self._sending = sending
        self._run = run
        self._campaign = campaign
        self._spans = deque(spans)
        self._pace = pace
        self._is_over = False
        self._ready: deque[Task] = deque()
        self._upcoming: asyncio.Task[list[Task]] | None = None
        self._lock = asyncio.Lock()

    async def next(self) -> Task | None:
        """The next copy to send; None when the pass is over or the run is stopping."""
        while not self._has_some():
            async with self._lock:
                if self._has_some():
                    break
                if self._has_ended() or self._run.must_stop():
                    return None
                self._ready.extend(await (self._upcoming or self._fetch()))
                self._upcoming = None if self._is_over else asyncio.create_task(self._fetch())
        return None if self._run.must_stop() else self._ready.popleft()

    def _has_some(self) -> bool:
        return bool(self._ready)

    def _has_ended(self) -> bool:
        return self._is_over and self._upcoming is None

    async def close(self) -> None:
        """Give back what nobody took."""
        upcoming = await self._upcoming if self._upcoming else []
        self._upcoming = None
        left = [*self._ready, *upcoming]
        self._ready.clear()
        by_terms: dict[str, list[str]] = {}
        for task in left:
            by_terms.setdefault(task.entry.terms.fence, []).append(task.entry.subscriber_id)
        for fence, ids in by_terms.items():
            await self._give_back(ids, fence)

    async def _fetch(self) -> list[Task]:
        """The next batch; empty only where the pass is over."""
        while not (self._is_over or self._run.must_stop()):
            terms = self._terms()
            ids = await self._ids(terms)
            claimed = await self._sending.claims.claim(ids, terms) if ids else []
            if claimed and not await self._may_go_on():
                await self._give_back([each.subscriber_id for each in claimed], terms.fence)
                self._is_over = True
            elif claimed:
                self._pace.claimed(len(claimed))
                languages = {each.subscriber_id: each.language for each in claimed}
                copies = await self._sending.recipients.open(claimed)
                await self._give_back(sorted(languages.keys() - {copy.subscriber_id for copy in copies}), terms.fence)
                return [Task(Entry(copy.subscriber_id, terms), copy, languages[copy.subscriber_id]) for copy in copies]
        return []

    def _terms(self) -> Terms:
        now, campaign = self._sending.clock(), self._campaign
        place = self._sending.settings.calendar.place_at(now)
        is_follow_up = campaign.follow_up is not None
        return Terms(campaign.id, campaign.topic, place, self._run.id, new_token(12), now, is_follow_up)

    async def _ids(self, terms: Terms) -> list[str]:
        span, size = self._spans.popleft(), self._pace.size
        ids = await self._sending.claims.candidates(terms, span, limit=size)
        if len(ids) == size:
            self._spans.appendleft(replace(span, after=ids[-1]))
        self._is_over = not self._spans
        return ids

    async def _may_go_on(self) -> bool:
        """Read after claiming: a cancelling that this read misses finds the claims, and gives them back itself."""
        campaign = await self._sending.campaigns.get(self._campaign.id)
        return campaign.is_open and self._sending.clock() < campaign.not_after

    async def _give_back(self, ids: Sequence[str], fence: str) -> None:
        if ids:
            await self._sending.claims.settle(ids, fence, Result.GIVEN_BACK, at=self._sending.clock())
