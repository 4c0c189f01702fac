"""One pass of a run: workers that take copies from the feed, hand them to the relay and keep the ledger."""

import asyncio
from collections.abc import Sequence

import structlog

from services.mailer.campaigns.domain import Campaign
from services.mailer.campaigns.edition import Edition, edition_for
from services.mailer.languages import Language
from services.mailer.message.blueprint import BrokenMessage
from services.mailer.message.headers import HeaderInjection
from services.mailer.sending.domain import CLAIM_GOOD_FOR, Result, Span, result_of
from services.mailer.sending.feed import Feed, Pace, Task, everybody_from_somewhere
from services.mailer.sending.ledger import Entry, Ledger
from services.mailer.sending.progress import Progress
from services.mailer.sending.run import Run, Sending, SendingStopped
from services.mailer.smtp.pool import Delivery
from services.mailer.smtp.session import Envelope, Outcome
from shared.errors import TransientError

_WORKERS = 3
"""For each connection: one copy before its dot and one behind it, and one that is ready to go along."""
_OPEN = 3
"""For each connection: copies at their dot without a stored result. A killed process leaves no more unknown."""
log = structlog.get_logger(__name__)


class Pass:
    """Sends a campaign once to everybody who may have it now. `came_too_late` counts claims worth making again.

    Args:
        spans: whom it is about; all of them where none are given.
        pace: kept from one pass to the next.
    """

    def __init__(
        self,
        sending: Sending,
        run: Run,
        campaign: Campaign,
        progress: Progress,
        *,
        spans: Sequence[Span] = (),
        pace: Pace | None = None,
    ) -> None:
        self._sending = sending
        self._run = run
        self._campaign = campaign
        self._progress = progress
        self._ledger = Ledger(
            sending.claims,
            sending.clock,
            most_open=_OPEN * sending.settings.smtp_connections,
            stored=self._count,
            failed=self._stop,
        )
        self._broken: BaseException | None = None
        self._spans = spans or everybody_from_somewhere()
        self._pace = pace or Pace(sending.settings.claim_batch)
        self._editions: dict[str, Edition] = {}
        self._in_vain = 0
        self.came_too_late = 0

    async def go(self) -> None:
        """Until the feed is empty or the run stops; no claim is left but those whose outcome could not be stored."""
        feed = Feed(self._sending, self._run, self._campaign, self._spans, self._pace)
        async with asyncio.TaskGroup() as group:
            for _ in range(_WORKERS * self._sending.settings.smtp_connections):
                group.create_task(self._work(feed))
        await self._ledger.close()
        if self._broken is not None:
            raise self._broken
        try:
            await feed.close()
        except TransientError as error:
            self._run.fail(error)

    async def _work(self, feed: Feed) -> None:
        try:
            while (task := await feed.next()) is not None:
                await self._send(task)
        except TransientError as error:
            self._run.fail(error)

    async def _send(self, task: Task) -> None:
        result = await self._result(task)
        self.came_too_late += result is Result.GIVEN_BACK and not self._is_in_time(task.entry)
        await self._ledger.settle(task.entry, result)

    def _count(self, result: Result) -> None:
        self._progress.results[result] += 1

    def _stop(self, reason: BaseException) -> None:
        """Results could not be stored; what is no trouble of the database's is ours, and ends the pass."""
        if not isinstance(reason, TransientError):
            self._broken = self._broken or reason
            reason = SendingStopped(type(reason).__name__)
        self._run.fail(reason)

    async def _result(self, task: Task) -> Result:
        if not self._is_in_time(task.entry):
            return Result.GIVEN_BACK
        try:
            message = self._edition(task.language).write(task.copy, at=self._sending.clock())
            return_path = self._sending.return_paths.of_copy(task.entry.subscriber_id, self._campaign.id)
            envelope = Envelope(return_path, task.copy.email)
        except (HeaderInjection, ValueError):
            log.error("address cannot be written to", subscriber_id=task.entry.subscriber_id)  # noqa: TRY400 - it would name the address
            return Result.REFUSED
        except BrokenMessage as error:
            self._run.fail(SendingStopped(str(error)))
            return Result.GIVEN_BACK
        return result_of((await self._deliver(task.entry, envelope, message)).outcome)

    def _edition(self, language: Language | str) -> Edition:
        if language not in self._editions:
            chosen, edition = edition_for(self._campaign, language, self._sending.settings)
            self._editions[language] = self._editions.setdefault(chosen, edition)
        return self._editions[language]

    def _is_in_time(self, entry: Entry) -> bool:
        now = self._sending.clock()
        is_fresh = now - entry.terms.at < CLAIM_GOOD_FOR
        return is_fresh and self._sending.settings.calendar.still_good(entry.terms.place, now)

    async def _deliver(self, entry: Entry, envelope: Envelope, message: bytes) -> Delivery:
        async def before_dot() -> bool:
            if self._run.must_stop() or not self._is_in_time(entry):
                return False
            # Looked at again behind the mark: storing it may have taken us over the end of the month.
            return await self._ledger.mark_dot(entry) and self._is_in_time(entry)

        for pause_s in (*self._sending.pauses_s, None):
            delivery = await self._sending.relay.deliver(envelope, message, before_dot=before_dot)
            if delivery.outcome is not Outcome.UNREACHABLE:
                self._in_vain = 0
                break
            if pause_s is None or self._run.must_stop():
                self._count_in_vain()
                break
            await asyncio.sleep(pause_s)
        return delivery

    def _count_in_vain(self) -> None:
        self._in_vain += 1
        if self._in_vain >= self._sending.settings.smtp_connections:
            self._run.fail(SendingStopped("the mail relay is away"))
