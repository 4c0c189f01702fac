"""Bounces from a mailbox, against another implementation of the server's side."""

import argparse
import asyncio
import imaplib
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.mailer.bounces.commands import collect_bounces
from services.mailer.bounces.intake import collect
from services.mailer.bounces.mailbox import MailboxAddress, MailboxAway, opened
from services.mailer.campaigns.usecases import report_campaign
from services.mailer.sending.domain import Terms
from services.mailer.subscriptions.domain import SubscriptionState
from services.mailer.testing.harness import open_shop
from services.mailer.testing.returned import complaint, dsn
from shared.errors import TransientError

USER, PASSWORD = "bounces", "right"


@pytest.fixture(scope="module")
def server(certificate):
    """A mail server on a free port, and where it keeps mails: in memory, empty."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ("--host", "127.0.0.1", "--port", str(port), "--cert", str(certificate), "--key", str(certificate))
    command = (str(Path(sys.executable).with_name("pymap")), *words, "dict", "--demo-user", USER)
    process = subprocess.Popen((*command, "--demo-password", PASSWORD), stdout=subprocess.DEVNULL)
    try:
        _await_port(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _await_port(port, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the mail server does not listen")


@pytest.fixture
def address(server, certificate):
    url = f"imap+starttls://{USER}:{PASSWORD}@127.0.0.1:{server}/INBOX"
    return MailboxAddress.parse(url, ca_file=str(certificate))


@contextmanager
def looking(server, certificate, mailbox="INBOX"):
    """Another mail reader."""
    client = imaplib.IMAP4("127.0.0.1", server)
    client.starttls(ssl.create_default_context(cafile=certificate))
    client.login(USER, PASSWORD)
    client.select(mailbox)
    try:
        yield client
    finally:
        client.logout()


@pytest.fixture
def box(server, certificate):
    """Puts mails into the mailbox, which is empty at first, and counts them."""

    class Box:
        def put(self, message, *, to, sender="<>"):
            head = f"Return-Path: {sender}\r\nDelivered-To: {to}\r\n".encode()
            with looking(server, certificate) as client:
                client.append("INBOX", None, None, head + message.replace(b"Return-Path: <>\r\n", b""))

        def count(self, what="ALL", mailbox="INBOX"):
            with looking(server, certificate, mailbox) as client:
                return len(client.search(None, what)[1][0].split())

        def make(self, mailbox):
            with looking(server, certificate) as client:
                client.create(mailbox)

        def empty(self, mailbox="INBOX"):
            with looking(server, certificate, mailbox) as client:
                client.store("1:*", "+FLAGS", r"(\Deleted)")
                client.expunge()

    opened = Box()
    if opened.count():
        opened.empty()
    return opened


@pytest.fixture
async def shop():
    async with open_shop(bounce_domain="bounces.shop.example") as opened:
        yield opened


async def one_sent(shop, email="ann@example.org"):
    subscriber = await shop.subscriber(email)
    await shop.campaign()
    await shop.send()
    return subscriber, dict(shop.sink.envelopes)[email]


async def state_of(shop, subscriber):
    return (await shop.subscribers.get(subscriber)).state


async def test_a_hard_bounce_in_the_mailbox_ends_the_subscription_and_is_seen(shop, box, address):
    subscriber, path = await one_sent(shop)
    box.put(dsn("5.1.1"), to=path)

    found = await collect(shop.deps(), address)

    assert (found.noted, found.others, found.put_off) == (1, 0, 0)
    assert await state_of(shop, subscriber) is SubscriptionState.UNSUBSCRIBED
    assert (box.count("UNSEEN"), box.count()) == (0, 1)


async def test_what_was_seen_is_not_read_again_and_what_comes_twice_counts_once(shop, box, address):
    _, path = await one_sent(shop)
    deps = shop.deps()
    for _ in range(2):
        box.put(dsn("5.1.1"), to=path)

    first = await collect(deps, address)
    second = await collect(deps, address)

    _, report = await report_campaign(deps, "c-1")
    assert (first.noted, second.noted) == (2, 0)
    assert report.bounced == 1


async def test_a_mail_stays_unseen_until_it_is_stored(shop, box, address):
    """What dies between storing and marking reads it again; what cannot store leaves it there."""
    subscriber, path = await one_sent(shop)
    box.put(dsn("5.1.1"), to=path)
    deps = shop.deps()
    note, seen_while_storing = shop.returns.note, []

    async def failing(back):
        seen_while_storing.append(box.count("UNSEEN"))
        raise TransientError("database away")

    shop.returns.note = failing
    away = await collect(deps, address)
    still_unseen = box.count("UNSEEN")
    shop.returns.note = note
    back = await collect(deps, address)

    assert (seen_while_storing, still_unseen) == ([1], 1)
    assert (away.put_off, back.noted) == (1, 1)
    assert await state_of(shop, subscriber) is SubscriptionState.UNSUBSCRIBED


async def test_one_that_is_put_off_holds_up_no_other(shop, box, address):
    """A copy at its dot: what became of it is not stored yet."""
    early, path = await one_sent(shop)
    ben = await shop.subscriber("ben@example.org")
    await shop.campaign("c-2")
    place = shop.settings.calendar.place_at(shop.clock())
    await shop.claims.claim([ben], Terms("c-2", "offers", place, "r", "f", shop.clock()))
    await shop.claims.mark_dot([ben], "f")
    box.put(dsn("5.1.1"), to=shop.return_paths.of_copy(ben, "c-2"))
    box.put(dsn("5.1.1"), to=path)

    found = await collect(shop.deps(), address)

    assert (found.noted, found.put_off) == (1, 1)
    assert await state_of(shop, early) is SubscriptionState.UNSUBSCRIBED
    assert box.count("UNSEEN") == 1


async def test_a_complaint_to_the_registered_address_is_matched_by_what_it_quotes(shop, box, address):
    subscriber, path = await one_sent(shop)
    box.put(complaint(mail_from=path), to="fbl@bounces.shop.example", sender="fbl@provider.example")

    found = await collect(shop.deps(), address)

    assert found.noted == 1
    assert await state_of(shop, subscriber) is SubscriptionState.UNSUBSCRIBED


@pytest.mark.parametrize("to", ["press@shop.example", "b-aaaa@bounces.shop.example", "fbl@elsewhere.example"])
async def test_what_is_about_nothing_of_ours_changes_nothing_and_is_seen(shop, box, address, to):
    subscriber, path = await one_sent(shop)
    box.put(complaint(mail_from=path), to=to)

    found = await collect(shop.deps(), address)

    assert (found.noted, found.others) == (0, 1)
    assert await state_of(shop, subscriber) is SubscriptionState.CONFIRMED
    assert box.count("UNSEEN") == 0


async def test_mails_are_moved_where_a_mailbox_is_named(shop, box, address):
    _, path = await one_sent(shop)
    box.make("Done")
    box.put(dsn("5.1.1"), to=path)

    await collect(shop.deps(), address, move_to="Done")

    assert (box.count("UNDELETED"), box.count(mailbox="Done")) == (0, 1)


async def test_a_wrong_password_or_an_unknown_certificate_is_no_reason_to_say_it(shop, server, certificate):
    wrong = f"imap+starttls://{USER}:wrong@127.0.0.1:{server}"
    with pytest.raises(MailboxAway) as refused:
        await collect(shop.deps(), MailboxAddress.parse(wrong, ca_file=str(certificate)))
    with pytest.raises(MailboxAway):
        await collect(shop.deps(), MailboxAddress.parse(wrong.replace("wrong", PASSWORD)))

    assert "wrong" not in str(refused.value)


async def test_a_server_that_is_away_is_a_transient_error(shop):
    with pytest.raises(MailboxAway):
        await collect(shop.deps(), MailboxAddress.parse("imaps://u:p@127.0.0.1:1"))


@pytest.mark.parametrize("url", ["imap://u:hush@mx", "imaps://mx", "https://u:hush@mx", "imaps://u:hush@mx/a%22b"])
def test_an_address_that_would_show_the_password_or_name_no_mailbox_is_refused(url):
    with pytest.raises(ValueError, match="must be") as refused:
        MailboxAddress.parse(url)

    assert "hush" not in str(refused.value)


async def test_the_command_looks_once_and_tells_numbers(server, certificate, box, capsys):
    url = f"imap+starttls://{USER}:{PASSWORD}@127.0.0.1:{server}"
    async with open_shop(bounce_domain="bounces.shop.example", imap_url=url, imap_ca_file=str(certificate)) as shop:
        _, path = await one_sent(shop)
        box.put(dsn("5.1.1"), to=path)

        assert await collect_bounces(shop.deps(), argparse.Namespace(once=True)) == 0

    assert capsys.readouterr().out.splitlines()[-1] == "1 noted, 0 about nothing of ours, 0 put off"


def test_a_connection_is_closed_where_its_goodbye_is_not_heard(server, certificate):
    """`logout` raises then, and leaves its socket open."""
    there = MailboxAddress.parse(f"imap+starttls://{USER}:{PASSWORD}@127.0.0.1:{server}", ca_file=str(certificate))
    with opened(there) as mailbox:
        connection = mailbox._connection
        connection.sock.shutdown(socket.SHUT_RDWR)

    assert connection.sock.fileno() == -1


async def test_the_command_goes_on_when_the_server_comes_back(server, certificate, box, shop):
    """Away at first: the next look finds it."""
    url = f"imap+starttls://{USER}:{PASSWORD}@127.0.0.1:{server}"
    there = MailboxAddress.parse(url, ca_file=str(certificate))
    subscriber, path = await one_sent(shop)
    box.put(dsn("5.1.1"), to=path)
    deps = shop.deps()
    looks = iter([MailboxAddress.parse("imaps://u:p@127.0.0.1:1")])
    settings = _Changing(deps.settings, lambda: next(looks, there))
    reading = asyncio.create_task(collect_bounces(_With(deps, settings), argparse.Namespace(once=False)))
    async with asyncio.timeout(60):
        while await state_of(shop, subscriber) is not SubscriptionState.UNSUBSCRIBED:
            await asyncio.sleep(0.02)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


class _Changing:
    """Settings whose mailbox is another one at each look, and soon."""

    imap_every_s = 0.01

    def __init__(self, settings, imap):
        self._settings, self._imap = settings, imap

    @property
    def imap(self):
        return self._imap()

    def __getattr__(self, name):
        return getattr(self._settings, name)


class _With:
    """Deps with other settings."""

    def __init__(self, deps, settings):
        self._deps, self.settings = deps, settings

    def __getattr__(self, name):
        return getattr(self._deps, name)
