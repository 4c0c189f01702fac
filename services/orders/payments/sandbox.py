"""A payment provider that moves no money. It keeps its promises by its own book: one entry for each order id.

The book is the truth: a charge counts from the moment its entry is stored, and an id that was voided has its entry, so
nothing can be charged under it any more. No digit of a card gets into it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

import structlog

from services.orders.payments.cards import TEST_NUMBERS, Behaviour
from services.orders.payments.ledger import Ledger
from services.orders.payments.provider import Card, Charge, ChargeRequest, Outcome, RefundRefused
from shared.clock import Clock
from shared.errors import NotFound, TransientError

log = structlog.get_logger(__name__)

SANDBOX_ACTIONS = "/api/orders/payments/sandbox/actions"
"""Below it each charge that the bank asks about has its page (`payments.bank`)."""
_PAGE = 500
Pause = Callable[[], Awaitable[None]]
"""Waits until the caller has surely given up."""


class Sandbox:
    """`Provider` on a book; late charges run in a task group, for they outlive the call, as a provider's do."""

    def __init__(
        self, ledger: Ledger, *, clock: Clock, late: asyncio.TaskGroup, pause: Pause, actions_url: str
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._late = late
        self._pause = pause
        self._actions_url = actions_url
        self.under_way: set[asyncio.Task[None]] = set()
        """Charges that have yet to arrive."""

    async def charge(self, wanted: ChargeRequest, *, card: Card) -> Charge:
        """See `Provider.charge`."""
        behaviour = TEST_NUMBERS.get(card.number.reveal(), Behaviour.PAY)
        charge = self._entry(wanted, behaviour)
        match behaviour:
            case Behaviour.SILENT:
                return await _never()
            case Behaviour.CHARGE_LATE:
                self._charge_later(charge)
                return await _never()
            case Behaviour.ANSWER_LATE:
                entered = await self._ledger.enter(charge)
                await self._pause()
                return entered
        return await self._ledger.enter(charge)

    async def lookup(self, order_id: str) -> Charge | None:
        """See `Provider.lookup`."""
        return await self._ledger.find(order_id)

    async def void(self, order_id: str) -> Charge:
        """See `Provider.void`."""
        await self._ledger.enter(Charge(order_id, 0, "", Outcome.VOIDED, "", self._clock()))
        return await self._ledger.end(order_id, Outcome.VOIDED)

    async def capture(self, order_id: str) -> Charge:
        """See `Provider.capture`."""
        return await self._ledger.end(order_id, Outcome.PAID, standing={Outcome.AUTHORISED})

    async def act(self, order_id: str, *, approved: bool) -> Charge:
        """The buyer's answer at the sandbox's bank; the first one counts.

        Raises:
            NotFound: there is no such charge.
        """
        asked = {Outcome.NEEDS_ACTION}
        charge = await self._ledger.find(order_id)
        if charge is None:
            raise NotFound
        if not approved:
            return await self._ledger.end(order_id, Outcome.DECLINED, reason="not-authenticated", standing=asked)
        return await self._ledger.end(order_id, _taken(capture=charge.capture), standing=asked)

    async def refund(self, order_id: str, refund_id: str, *, amount_minor: int) -> None:
        """See `Provider.refund`."""
        if not await self._ledger.refund(order_id, refund_id, amount_minor):
            raise RefundRefused("charge-has-less-left")

    async def sent_back(self, reference: str, refund_id: str) -> str:
        """See `Provider.sent_back`: here what was paid stays paid."""
        return ""

    async def charges(self, *, since: datetime | None = None) -> AsyncIterator[Charge]:
        """See `Provider.charges`."""
        behind = ""
        while page := await self._ledger.entries(behind=behind, limit=_PAGE, newest_first=True):
            for charge in page:
                if since is None or charge.charged_at >= since:
                    yield charge
            behind = page[-1].order_id

    def stop(self) -> None:
        """Drop what was to be charged later, as a provider that dies."""
        for task in self.under_way:
            task.cancel()

    def _entry(self, wanted: ChargeRequest, behaviour: Behaviour) -> Charge:
        charge = Charge(
            order_id=wanted.order_id,
            amount_minor=wanted.amount_minor,
            currency=wanted.currency,
            outcome=_taken(capture=wanted.capture),
            reason="",
            charged_at=self._clock(),
            capture=wanted.capture,
        )
        if behaviour in (Behaviour.DECLINE, Behaviour.NO_FUNDS):
            return replace(charge, outcome=Outcome.DECLINED, reason=behaviour.value)
        if behaviour is Behaviour.ASK_BANK:
            return replace(charge, outcome=Outcome.NEEDS_ACTION, action_url=self._action_url(wanted))
        return charge

    def _action_url(self, wanted: ChargeRequest) -> str:
        """Where the bank's page is; whoever may come back to the order may go there."""
        query = urlsplit(wanted.return_url).query
        return f"{self._actions_url}/{wanted.order_id}" + (f"?{query}" if query else "")

    def _charge_later(self, charge: Charge) -> None:
        task = self._late.create_task(self._enter_late(charge))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)

    async def _enter_late(self, charge: Charge) -> None:
        await self._pause()
        try:
            entered = await self._ledger.enter(charge)
        except TransientError:
            log.warning("late charge lost", order_id=charge.order_id)
            return
        log.info("late charge", order_id=charge.order_id, outcome=entered.outcome.value)


@asynccontextmanager
async def open_sandbox(ledger: Ledger, *, clock: Clock, late_s: float, actions_url: str) -> AsyncIterator[Sandbox]:
    """The sandbox, and the tasks of its late charges. What its user raises leaves as it is, in no group."""
    failure: Exception | None = None
    async with asyncio.TaskGroup() as late:
        pause = partial(asyncio.sleep, late_s)
        sandbox = Sandbox(ledger, clock=clock, late=late, pause=pause, actions_url=actions_url)
        try:
            yield sandbox
        except Exception as error:  # noqa: BLE001 - raised below
            failure = error
        finally:
            sandbox.stop()
    if failure is not None:
        raise failure


def _taken(*, capture: bool) -> Outcome:
    return Outcome.PAID if capture else Outcome.AUTHORISED


async def _never() -> Charge:
    never: asyncio.Future[Charge] = asyncio.get_running_loop().create_future()
    return await never
