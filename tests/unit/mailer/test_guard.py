import asyncio

import pytest
from pydantic import ValidationError

from services.mailer.deps import open_relay
from services.mailer.sending.domain import Result
from services.mailer.smtp.guard import DEFERRALS, FAILURES, GuardedRelay
from services.mailer.smtp.limits import PATIENCE_S, Limits, parse_limits
from services.mailer.smtp.pool import Delivery
from services.mailer.smtp.session import Envelope, Outcome
from services.mailer.testing.harness import settings_for
from services.mailer.testing.sink import running_sink
from shared.testing.clock import FixedClock

ACCEPTED, LATER = Delivery(Outcome.ACCEPTED, 250), Delivery(Outcome.DEFERRED, 451)
AWAY = Delivery(Outcome.UNREACHABLE)


async def yes() -> bool:
    return True


class Seconds:
    """A clock whose sleepers move it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Relay:
    """Answers what it is told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.answer = ACCEPTED
        self.asked: list[str] = []
        self.error: Exception | None = None

    async def deliver(self, envelope, message, *, before_dot):
        self.asked.append(envelope.recipient)
        if self.error:
            raise self.error
        return self.answer


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
def guard(relay, seconds) -> GuardedRelay:
    return GuardedRelay(relay, Limits(monotonic=seconds, sleep=seconds.sleep), monotonic=seconds)


async def deliver(guard, recipient="ann@example.org") -> Outcome:
    envelope = Envelope("news@shop.example", recipient)
    return (await guard.deliver(envelope, b"Subject: x\r\n\r\nhello\r\n", before_dot=yes)).outcome


async def many(guard, count, recipient="ann@example.org") -> list[Outcome]:
    return [await deliver(guard, recipient) for _ in range(count)]


async def test_a_relay_that_is_away_is_left_alone_then_tried_once_and_used_again(guard, relay, seconds):
    relay.answer = AWAY
    first = await many(guard, FAILURES + 10)
    asked_while_away = len(relay.asked)
    seconds.now += 1
    second = await many(guard, 3)
    tried = len(relay.asked) - asked_while_away
    relay.answer = ACCEPTED
    seconds.now += 1.5
    too_early = await deliver(guard)
    seconds.now += 0.5
    third = await many(guard, 3)

    assert set(first + second) == {Outcome.UNREACHABLE}
    assert (asked_while_away, tried) == (FAILURES, 1)
    assert too_early is Outcome.UNREACHABLE
    assert third == [Outcome.ACCEPTED] * 3


async def test_replies_lost_behind_the_dot_do_not_make_a_relay_count_as_away(guard, relay):
    relay.answer = Delivery(Outcome.UNKNOWN)

    assert await many(guard, 3 * FAILURES) == [Outcome.UNKNOWN] * 3 * FAILURES
    assert len(relay.asked) == 3 * FAILURES


async def test_while_one_mail_tries_whether_the_relay_is_back_no_other_does(guard, relay, seconds):
    relay.answer = AWAY
    await many(guard, FAILURES)
    seconds.now += 1
    go_on = asyncio.Event()
    plain = relay.deliver

    async def slow(envelope, message, *, before_dot):
        await go_on.wait()
        return await plain(envelope, message, before_dot=before_dot)

    relay.deliver, relay.answer = slow, ACCEPTED
    trial = asyncio.create_task(deliver(guard))
    await asyncio.sleep(0)
    meanwhile = await deliver(guard)
    go_on.set()

    assert meanwhile is Outcome.UNREACHABLE
    assert await trial is Outcome.ACCEPTED
    assert len(relay.asked) == FAILURES + 1


async def test_a_domain_that_puts_mails_off_is_left_alone_and_the_others_are_not(guard, relay, seconds):
    relay.answer = LATER
    await many(guard, DEFERRALS + 5)
    asked = len(relay.asked)
    relay.answer = ACCEPTED
    other = await deliver(guard, "ben@example.net")
    during = await deliver(guard, "eve@EXAMPLE.org")
    seconds.now += 30
    after = await many(guard, 3)

    assert asked == DEFERRALS
    assert (other, during) == (Outcome.ACCEPTED, Outcome.DEFERRED)
    assert after == [Outcome.ACCEPTED] * 3


async def test_each_pause_of_a_domain_is_twice_the_one_before_up_to_the_longest(guard, relay, seconds):
    relay.answer = LATER
    await many(guard, DEFERRALS)
    pauses = []
    for _ in range(8):
        began = seconds.now
        before = len(relay.asked)
        while len(relay.asked) == before:
            seconds.now += 10
            await deliver(guard)
        pauses.append(seconds.now - began)

    assert pauses == [30, 60, 120, 240, 480, 900, 900, 900]


async def test_one_acceptance_among_deferrals_is_no_reason_to_pause(guard, relay):
    for answer in [LATER] * (DEFERRALS - 1) + [ACCEPTED] + [LATER] * (DEFERRALS - 1) + [ACCEPTED]:
        relay.answer = answer
        await deliver(guard)

    assert len(relay.asked) == 2 * DEFERRALS


@pytest.mark.parametrize("answer", [AWAY, LATER])
async def test_a_trial_that_is_torn_away_leaves_the_door_for_the_next(guard, relay, seconds, answer):
    relay.answer = answer
    await many(guard, 5)
    seconds.now += 30
    relay.error = RuntimeError("database away")
    with pytest.raises(RuntimeError):
        await deliver(guard)
    relay.error, relay.answer = None, ACCEPTED

    assert await deliver(guard) is Outcome.ACCEPTED


async def test_mails_go_no_faster_than_the_relay_may_be_used(relay, seconds):
    guard = GuardedRelay(relay, Limits(4, monotonic=seconds, sleep=seconds.sleep), monotonic=seconds)
    began = seconds.now

    assert await many(guard, 9) == [Outcome.ACCEPTED] * 9
    assert seconds.now - began == pytest.approx(2.0)


async def test_each_domain_has_its_own_pace(relay, seconds):
    limits = Limits(per_minute=parse_limits("slow.example:60, *:600"), monotonic=seconds, sleep=seconds.sleep)
    guard = GuardedRelay(relay, limits, monotonic=seconds)
    began = seconds.now
    await many(guard, 3, "a@slow.example")
    slow = seconds.now - began
    await many(guard, 11, "a@example.org")

    assert slow == pytest.approx(2.0)
    assert seconds.now - began - slow == pytest.approx(1.0)


async def test_who_would_wait_too_long_is_put_off_and_costs_nobody_a_turn(relay):
    now = Seconds()
    waiting: list[float] = []

    async def note(seconds: float) -> None:
        waiting.append(seconds)

    guard = GuardedRelay(relay, Limits(1, monotonic=now, sleep=note), monotonic=now)
    outcomes = await many(guard, 30)

    assert outcomes.count(Outcome.ACCEPTED) == PATIENCE_S + 1
    assert max(waiting) == PATIENCE_S
    assert len(relay.asked) == PATIENCE_S + 1


@pytest.mark.parametrize("text", ["gmail.com", "gmail.com:0", "a b:1,,c", "a:1,a:2", "*:1,*:2", "@x:1", "a:-1"])
def test_limits_that_nobody_can_read_are_refused(text):
    with pytest.raises(ValidationError, match="must be like"):
        settings_for(25, domain_limits=text)


async def test_what_the_services_send_through_is_guarded_signed_and_reaches_the_relay():
    async with running_sink() as sink:
        settings = settings_for(sink.port)
        async with open_relay(settings, FixedClock(), Limits(), stream="notices") as relay:
            assert isinstance(relay, GuardedRelay)
            assert await deliver(relay) is Outcome.ACCEPTED

        assert sink.accepted == {"ann@example.org": 1}


async def test_copies_that_a_pause_stopped_are_given_back_and_go_out_in_a_later_run(shop, seconds):
    for number in range(12):
        await shop.subscriber(f"reader-{number}@example.org")
    await shop.campaign()
    guard = GuardedRelay(shop.outgoing, Limits(), monotonic=seconds)
    shop.sink.script = lambda stage, recipient: b"451 greylisted" if stage == "rcpt" else None

    held_off = await shop.send(relay=guard)
    tried = shop.sink.begun.total()
    shop.sink.script = lambda stage, recipient: None
    seconds.now += 60
    await shop.send(relay=guard)

    assert held_off.results[Result.DEFERRED] + held_off.results[Result.GIVEN_BACK] == 12
    assert tried < 12
    assert len(shop.sink.accepted) == 12
    assert set(shop.sink.accepted.values()) == {1}
