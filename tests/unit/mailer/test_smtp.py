import asyncio

import pytest

from services.mailer.smtp.address import RelayAddress
from services.mailer.smtp.pool import RelayPool
from services.mailer.smtp.session import Envelope, Outcome
from services.mailer.testing.sink import CUT, SILENT, running_sink

MAIL = b"Subject: x\r\n\r\nhello\r\n.hidden\r\n..two\r\n"
TO_ANN = Envelope("news@shop.example", "ann@example.org")


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


def pool_of(sink, *, size=1, dot_timeout_s=5.0) -> RelayPool:
    relay = RelayAddress("127.0.0.1", sink.port)
    return RelayPool(relay, size=size, hello="mailer.example", timeout_s=5, dot_timeout_s=dot_timeout_s)


def failing_at(stage, reply, times=99):
    left = [times]

    def script(at, recipient):
        if at == stage and left[0] > 0:
            left[0] -= 1
            return reply
        return None

    return script


async def sent(sink, *, before_dot=yes, **options):
    pool = pool_of(sink, **options)
    try:
        return await pool.deliver(TO_ANN, MAIL, before_dot=before_dot)
    finally:
        await pool.close()


@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_mail_arrives_byte_for_byte(pipelining):
    async with running_sink(pipelining=pipelining) as sink:
        delivery = await sent(sink)

        assert delivery.outcome is Outcome.ACCEPTED
        assert sink.messages == [("ann@example.org", MAIL)]


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("stage", "reply", "outcome"),
    [
        ("connect", b"554 go away", Outcome.UNREACHABLE),
        ("connect", CUT, Outcome.UNREACHABLE),
        ("mail", CUT, Outcome.UNREACHABLE),
        ("mail", b"550 not you", Outcome.UNREACHABLE),
        ("mail", b"450 busy", Outcome.DEFERRED),
        ("rcpt", CUT, Outcome.UNREACHABLE),
        ("rcpt", b"450 later", Outcome.DEFERRED),
        ("rcpt", b"421 closing", Outcome.UNREACHABLE),
        ("rcpt", b"550 nobody", Outcome.REFUSED),
        ("data", CUT, Outcome.UNREACHABLE),
        ("data", b"451 later", Outcome.DEFERRED),
        ("data", b"250 what", Outcome.UNREACHABLE),
        ("data", b"garbage", Outcome.UNREACHABLE),
        ("text", CUT, Outcome.UNKNOWN),
        ("dot", CUT, Outcome.UNKNOWN),
        ("dot", SILENT, Outcome.UNKNOWN),
        ("dot", b"451 later", Outcome.DEFERRED),
        ("dot", b"554 spam", Outcome.REFUSED),
    ],
)
async def test_each_ending_has_its_meaning(stage, reply, outcome, pipelining):
    async with running_sink(failing_at(stage, reply), pipelining=pipelining) as sink:
        delivery = await sent(sink, dot_timeout_s=0.2)

        assert delivery.outcome is outcome
        assert sink.accepted.total() == (1 if reply in (CUT, SILENT) and stage == "dot" else 0)


async def test_nobody_listening_is_unreachable():
    async with running_sink() as sink:
        pool = pool_of(sink)

    assert (await pool.deliver(TO_ANN, MAIL, before_dot=yes)).outcome is Outcome.UNREACHABLE


@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_mail_withdrawn_before_its_text_is_never_accepted(pipelining):
    async with running_sink(pipelining=pipelining) as sink:
        delivery = await sent(sink, before_dot=no)

        assert delivery.outcome is Outcome.WITHDRAWN
        assert sink.accepted.total() == 0


async def test_the_mark_is_made_after_the_recipient_was_taken_and_before_the_text():
    stages = []
    async with running_sink(lambda stage, recipient: stages.append(stage)) as sink:

        async def mark() -> bool:
            stages.append("mark")
            return True

        await sent(sink, before_dot=mark)

    assert stages == ["connect", "mail", "rcpt", "data", "mark", "text", "dot"]


async def test_a_mark_that_fails_sends_nothing():
    async def broken() -> bool:
        raise RuntimeError("database away")

    async with running_sink() as sink:
        with pytest.raises(RuntimeError, match="database"):
            await sent(sink, before_dot=broken)

        assert sink.accepted.total() == 0


@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_connection_is_used_again_also_after_a_refusal(pipelining):
    async with running_sink(failing_at("rcpt", b"550 no", times=1), pipelining=pipelining) as sink:
        pool = pool_of(sink)
        outcomes = [(await pool.deliver(TO_ANN, MAIL, before_dot=yes)).outcome for _ in range(3)]
        await pool.close()

        assert outcomes == [Outcome.REFUSED, Outcome.ACCEPTED, Outcome.ACCEPTED]
        assert sink.connections == 1


async def test_a_go_ahead_without_any_recipient_is_not_followed():
    script = {"rcpt": b"550 nobody", "data": b"354 anyway"}
    async with running_sink(lambda stage, recipient: script.get(stage)) as sink:
        delivery = await sent(sink)

        assert delivery.outcome is Outcome.REFUSED
        assert sink.accepted.total() == 0


async def test_a_connection_that_died_while_idle_is_replaced():
    async with running_sink(failing_at("mail", CUT, times=0)) as sink:
        pool = pool_of(sink)
        await pool.deliver(TO_ANN, MAIL, before_dot=yes)
        sink.script = failing_at("mail", CUT, times=1)
        delivery = await pool.deliver(TO_ANN, MAIL, before_dot=yes)
        await pool.close()

        assert delivery.outcome is Outcome.ACCEPTED
        assert sink.connections == 2


async def test_no_more_connections_than_asked_for():
    async with running_sink() as sink:
        pool = pool_of(sink, size=3)
        await asyncio.gather(*(pool.deliver(TO_ANN, MAIL, before_dot=yes) for _ in range(20)))
        await pool.close()

        assert sink.connections <= 3
        assert sink.accepted["ann@example.org"] == 20


@pytest.mark.parametrize(
    "address", ["a@b>\r\nDATA", "a b@example.org", "a>@example.org", "\u00e9@example.org", "example.org", "a@b\x00c"]
)
def test_an_address_that_could_end_the_command_makes_no_envelope(address):
    with pytest.raises(ValueError, match="ASCII"):
        Envelope("news@shop.example", address)


@pytest.mark.parametrize(
    "url", ["", "mail.example", "http://x", "smtp://", "smtp://u:p@host", "smtp://host/path", "smtps://h?x=1"]
)
def test_a_malformed_relay_address_is_refused(url):
    with pytest.raises(ValueError, match=r"must|needs|login"):
        RelayAddress.parse(url)


def test_a_relay_address_is_taken_apart_and_hides_its_password():
    relay = RelayAddress.parse("smtps://us%40er:p%3Aw@mail.example")

    assert (relay.host, relay.port, relay.user) == ("mail.example", 465, "us@er")
    assert relay.password.reveal() == "p:w"
    assert "p:w" not in repr(relay)
