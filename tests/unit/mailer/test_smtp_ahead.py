"""The envelope of a mail that waits goes along behind the dot of the one before it, and never changes what becomes of
either.
"""

import asyncio

import pytest

from services.mailer.smtp.address import RelayAddress
from services.mailer.smtp.pool import RelayPool
from services.mailer.smtp.session import Envelope, Outcome
from services.mailer.testing.sink import CUT, SILENT, running_sink

MAIL = b"Subject: x\r\n\r\nhello\r\n"
ANN, BEN, CAT = "ann@example.org", "ben@example.org", "cat@example.org"


async def yes() -> bool:
    return True


def pool_of(sink, *, dot_timeout_s=5.0) -> RelayPool:
    address = RelayAddress("127.0.0.1", sink.port)
    return RelayPool(address, size=1, hello="mailer.example", timeout_s=5, dot_timeout_s=dot_timeout_s)


def started(pool, *recipients, before_dot=yes):
    """Deliveries that wait behind each other for the one connection."""
    return [
        asyncio.create_task(pool.deliver(Envelope("news@shop.example", each), MAIL, before_dot=before_dot))
        for each in recipients
    ]


async def outcomes(*deliveries):
    async with asyncio.timeout(10):
        return [(await each).outcome for each in deliveries]


def replying(stage, recipient, reply):
    return lambda at, to: reply if (at, to) == (stage, recipient) else None


@pytest.mark.parametrize("pipelining", [True, False])
async def test_the_next_envelope_does_not_wait_for_the_reply_to_the_dot_where_the_relay_allows_it(pipelining):
    came_early = []

    def watch(stage, recipient):
        if (stage, recipient) == ("data", BEN):
            came_early.append(not deliveries[0].done())

    async with running_sink(watch, pipelining=pipelining) as sink:
        pool = pool_of(sink)
        deliveries = started(pool, ANN, BEN)
        ends = await outcomes(*deliveries)
        await pool.close()

        assert ends == [Outcome.ACCEPTED] * 2
        assert sink.messages == [(ANN, MAIL), (BEN, MAIL)]
        assert came_early == [pipelining]
        assert sink.connections == 1


async def test_the_mark_of_the_next_is_made_when_its_recipient_was_taken():
    stages = []
    async with running_sink(lambda stage, recipient: stages.append((stage, recipient))) as sink:
        pool = pool_of(sink)

        async def mark() -> bool:
            stages.append(("mark", ""))
            return True

        await outcomes(*started(pool, ANN, BEN, before_dot=mark))
        await pool.close()

    of_ben = stages[stages.index(("data", BEN)) :]
    assert of_ben == [("data", BEN), ("mark", ""), ("text", BEN), ("dot", BEN)]


@pytest.mark.parametrize(
    ("reply", "first", "connections"),
    [
        (CUT, Outcome.UNKNOWN, 2),
        (SILENT, Outcome.UNKNOWN, 2),
        (b"421 closing", Outcome.UNREACHABLE, 2),
        (b"554 spam", Outcome.REFUSED, 1),
        (b"451 later", Outcome.DEFERRED, 1),
    ],
)
async def test_what_becomes_of_one_mail_is_nothing_to_the_one_behind_it(reply, first, connections):
    async with running_sink(replying("dot", ANN, reply)) as sink:
        pool = pool_of(sink, dot_timeout_s=0.2)
        ends = await outcomes(*started(pool, ANN, BEN))
        await pool.close()

        assert ends == [first, Outcome.ACCEPTED]
        assert sink.accepted[BEN] == 1
        assert sink.connections == connections


@pytest.mark.parametrize(
    ("stage", "reply", "second", "connections"),
    [
        ("rcpt", b"550 nobody", Outcome.REFUSED, 1),
        ("rcpt", CUT, Outcome.UNREACHABLE, 3),
        ("data", b"451 later", Outcome.DEFERRED, 1),
    ],
)
async def test_a_refused_envelope_is_nothing_to_the_mails_around_it(stage, reply, second, connections):
    async with running_sink(replying(stage, BEN, reply)) as sink:
        pool = pool_of(sink)
        ends = await outcomes(*started(pool, ANN, BEN, CAT))
        await pool.close()

        assert ends == [Outcome.ACCEPTED, second, Outcome.ACCEPTED]
        assert (sink.accepted[ANN], sink.accepted[CAT]) == (1, 1)
        assert sink.connections == connections


async def test_a_mail_that_is_withdrawn_after_its_envelope_went_ahead_is_never_accepted():
    begun = []

    def watch(stage, recipient):
        if stage == "data":
            begun.append(recipient)

    async def not_ben() -> bool:
        return begun[-1] != BEN

    async with running_sink(watch) as sink:
        pool = pool_of(sink)
        ends = await outcomes(*started(pool, ANN, BEN, CAT, before_dot=not_ben))
        await pool.close()

        assert ends == [Outcome.ACCEPTED, Outcome.WITHDRAWN, Outcome.ACCEPTED]
        assert sink.accepted == {ANN: 1, CAT: 1}


@pytest.mark.parametrize("is_sent_ahead", [False, True])
async def test_a_mail_that_is_given_up_while_it_waits_costs_the_others_nothing(is_sent_ahead):
    at_its_dot, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> bool:
        at_its_dot.set()
        await go_on.wait()
        return True

    def give_up(stage, recipient):
        if (stage, recipient) == ("data", BEN):
            ben.cancel()

    async with running_sink(give_up) as sink:
        pool = pool_of(sink)
        [ann] = started(pool, ANN, before_dot=hold)
        await at_its_dot.wait()
        [ben] = started(pool, BEN)
        if not is_sent_ahead:
            await asyncio.sleep(0)  # it has begun to wait
            ben.cancel()
        go_on.set()
        ends = await outcomes(ann, *started(pool, CAT))
        await pool.close()

        assert ends == [Outcome.ACCEPTED] * 2
        assert sink.accepted == {ANN: 1, CAT: 1}
        assert ben.cancelled()
        assert sink.begun[BEN] == is_sent_ahead


async def test_a_connection_that_has_said_goodbye_is_not_used_again():
    async with running_sink(replying("dot", ANN, b"250 taken\r\n421 idle for too long")) as sink:
        pool = pool_of(sink)
        ends = [*await outcomes(*started(pool, ANN)), *await outcomes(*started(pool, BEN))]
        await pool.close()

        assert ends == [Outcome.ACCEPTED] * 2
        assert sink.accepted == {ANN: 1, BEN: 1}
        assert sink.connections == 2
