"""What stands between the senders and the relay: turns, back-off where mails are put off, a breaker where it is away.

A mail that the guard stops was surely not accepted: its claim is given back, a service mail waits in its queue.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from prometheus_client import Counter, Gauge

from services.mailer.smtp.limits import Limits
from services.mailer.smtp.pool import BeforeDot, Delivery, MailRelay
from services.mailer.smtp.session import Envelope, Outcome

DEFERRALS = 3
"""So many mails put off in a row, and a domain is left alone for a while."""
FAILURES = 5
"""So many times in a row without an answer, and the relay is."""
DOMAIN_PAUSES_S = (30.0, 900.0)
RELAY_PAUSES_S = (1.0, 60.0)
"""The first pause, and the longest: each is twice the one before."""
_KEPT = 10_000

OUTCOMES = Counter("padlock_smtp_deliveries_total", "Mails handed to the relay, by what became of it.", ["outcome"])
STOPPED = Counter("padlock_smtp_stopped_total", "Mails that were not tried, by what stopped them.", ["reason"])
_BY_OUTCOME = {outcome: OUTCOMES.labels(outcome=outcome.value) for outcome in Outcome}
BROKEN = Gauge(
    "padlock_smtp_relay_away", "1 while the relay counts as away and is only tried now and then.", ["stream"]
)
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Breaker:
    """Counts failures in a row; from `least` on it is open, for twice as long each time.

    After a pause one may try where that is what `tries_one` says, else all until the next failure.
    """

    least: int
    pauses_s: tuple[float, float]
    tries_one: bool = True
    failures: int = 0
    openings: int = 0
    until: float = 0.0
    is_tried: bool = False

    def may_pass(self, now: float) -> bool:
        """Whether to try."""
        if self.failures < self.least:
            return True
        if now < self.until or self.is_tried:
            return False
        self.is_tried = self.tries_one
        return True

    def fail(self, now: float) -> None:
        """Another failure."""
        self.is_tried = False
        self.failures += 1
        if self.failures >= self.least and now >= self.until:  # those that were on their way are one failure
            first, longest = self.pauses_s
            self.until = now + min(first * 2.0 ** min(self.openings, 20), longest)
            self.openings += 1

    def let_go(self) -> None:
        """The one that tried has learned nothing."""
        self.is_tried = False

    def succeed(self) -> None:
        """It works again."""
        self.failures, self.openings, self.until, self.is_tried = 0, 0, 0.0, False

    @property
    def is_open(self) -> bool:
        """Whether mails are stopped."""
        return self.failures >= self.least


@dataclass(slots=True)
class GuardedRelay:
    """A `MailRelay` that spares the one behind it."""

    relay: MailRelay
    limits: Limits = field(default_factory=Limits)
    stream: str = "newsletters"
    monotonic: Callable[[], float] = time.monotonic
    _away: Breaker = field(default_factory=lambda: Breaker(FAILURES, RELAY_PAUSES_S), init=False)
    _domains: dict[str, Breaker] = field(default_factory=dict, init=False)

    async def deliver(self, envelope: Envelope, message: bytes, *, before_dot: BeforeDot) -> Delivery:
        """See `MailRelay`."""
        domain = envelope.recipient.rpartition("@")[2].lower()
        back_off = self._domains.get(domain)
        if back_off is not None and not back_off.may_pass(self.monotonic()):
            return _stopped("back-off", Outcome.DEFERRED)
        delivery = await self._tried(domain, envelope, message, before_dot=before_dot)
        self._learn_of_domain(domain, delivery)
        return delivery

    async def _tried(self, domain: str, envelope: Envelope, message: bytes, *, before_dot: BeforeDot) -> Delivery:
        if not await self.limits.turn(domain):
            return _stopped("limit", Outcome.DEFERRED)
        if not self._away.may_pass(self.monotonic()):
            return _stopped("relay-away", Outcome.UNREACHABLE)
        try:
            delivery = await self.relay.deliver(envelope, message, before_dot=before_dot)
        except BaseException:
            self._away.let_go()
            raise
        _BY_OUTCOME[delivery.outcome].inc()
        self._learn_of_relay(delivery)
        return delivery

    def _learn_of_relay(self, delivery: Delivery) -> None:
        was_open = self._away.is_open
        if delivery.outcome is Outcome.UNREACHABLE:
            self._away.fail(self.monotonic())
        elif delivery.outcome is Outcome.UNKNOWN:
            self._away.let_go()  # it was there as far as the text; the ledger has its own answer to this
        else:
            self._away.succeed()
        if self._away.is_open != was_open:
            BROKEN.labels(stream=self.stream).set(self._away.is_open)
            log.warning("the mail relay is away" if self._away.is_open else "the mail relay is back")

    def _learn_of_domain(self, domain: str, delivery: Delivery) -> None:
        if delivery.outcome is Outcome.DEFERRED and delivery.code:
            if domain not in self._domains and len(self._domains) >= _KEPT:
                self._domains.clear()
            self._domains.setdefault(domain, Breaker(DEFERRALS, DOMAIN_PAUSES_S, tries_one=False)).fail(
                self.monotonic()
            )
        elif delivery.outcome in (Outcome.ACCEPTED, Outcome.REFUSED):
            self._domains.pop(domain, None)


def _stopped(reason: str, outcome: Outcome) -> Delivery:
    STOPPED.labels(reason=reason).inc()
    return Delivery(outcome)
