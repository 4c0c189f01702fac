"""What procedures of the runbook do, beyond ending with status 0: signing keys without a gap, one process more."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aio_pika
import dkim
import pytest

from deploy.outside.patience import eventually
from deploy.outside.shop import Shop
from tests.journey.conftest import PASSWORD
from tests.journey.test_runbook import ROOT, SCRIPTS, run

QUEUE = "orders.claims"
RECORD = re.compile(r"^(\S+\._domainkey\.\S+\.) IN TXT ((?:\"[^\"]*\" ?)+)$", flags=re.MULTILINE)


def records(text: str) -> dict[bytes, bytes]:
    """TXT records as `mailer dkim` prints them, by name."""
    return {name.encode(): "".join(re.findall(r'"([^"]*)"', chunks)).encode() for name, chunks in RECORD.findall(text)}


def script_of(chapter: str, command: str) -> str:
    """The one block of a chapter that holds a command."""
    [found] = [script for name, script in SCRIPTS.items() if name.startswith(chapter) and command in script]
    return found


async def signed_mail(shop: Shop, address: str) -> bytes:
    """The bytes of a mail that is asked for now."""
    folder = Path(shop.stack.resolve(shop.stack.read()["mail_dir"]))
    older = {path.name for path in folder.glob("*.eml")}
    async with shop.browser() as browser:
        account = {"email": address, "name": "Ann", "password": PASSWORD}
        await browser.call("POST", "/api/auth/accounts", account, expect=202)

    async def arrived() -> list[bytes]:
        new = [path.read_bytes() for path in folder.glob("*.eml") if path.name not in older]
        return [raw for raw in new if address.encode() in raw]

    return (await eventually(arrived, bool))[0]


def selectors(mail: bytes) -> set[str]:
    head = mail.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode()
    unfolded = re.sub(r"\n[ \t]+", " ", head)
    return {
        re.search(r"\bs=([\w.-]+)", line)[1]  # type: ignore[index]
        for line in unfolded.splitlines()
        if line.lower().startswith("dkim-signature:")
    }


def genuine(mail: bytes, dns: dict[bytes, bytes]) -> list[bool]:
    """How another implementation judges each signature by these records."""
    start = mail.lower().index(b"dkim-signature:")  # the mailbox has put its own fields before
    signed = mail[start:].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return [
        dkim.DKIM(signed).verify(idx=number, dnsfunc=lambda name, **_: dns.get(name))
        for number in range(len(selectors(mail)))
    ]


async def test_signing_keys_change_without_a_gap(shop: Shop, address: Callable[[str], str]) -> None:
    dns = records(run("padlock mailer dkim\n"))
    assert len(dns) == 2
    before = await signed_mail(shop, address("before"))

    coming = records(run(script_of("Rotating keys", "dkim next")))
    assert len(coming) == 2
    assert not coming.keys() & dns.keys()
    prepared = await signed_mail(shop, address("prepared"))
    assert selectors(prepared) == selectors(before)
    dns |= coming
    await asyncio.to_thread(run, script_of("Rotating keys", "dkim use"))
    after = await signed_mail(shop, address("after"))

    assert {f"{name}._domainkey".encode() for name in selectors(after)} == {
        name.partition(b"._domainkey")[0] + b"._domainkey" for name in coming
    }
    assert [genuine(mail, dns) for mail in (before, prepared, after)] == [[True, True]] * 3
    assert records(run("padlock mailer dkim\n")) == coming


@pytest.fixture
def log() -> Path:
    """What the second process says."""
    path = ROOT / ".local" / "log" / "orders-2.log"
    path.unlink(missing_ok=True)
    return path


@asynccontextmanager
async def in_background(script: str) -> AsyncIterator[int]:
    """The process that a block leaves running; ended in good order."""
    pid = int(run(script + "echo $!\n"))
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGTERM)


async def consumers(shop: Shop) -> int:
    """How many processes read the queue now."""
    async with await aio_pika.connect(shop.stack.read()["amqp"], timeout=5) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(QUEUE, passive=True)
        return queue.declaration_result.consumer_count or 0


async def test_one_process_more_takes_its_share_and_goes_in_good_order(shop: Shop, log: Path) -> None:
    before = await consumers(shop)

    async with in_background(script_of("Scaling", "orders work")):
        await eventually(lambda: consumers(shop), lambda count: count == before + 1)

    await eventually(lambda: consumers(shop), lambda count: count == before)

    async def said() -> str:
        return log.read_text()

    await eventually(said, lambda text: '"event":"stopped"' in text)
