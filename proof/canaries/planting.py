"""A canary in each place that is looked at, as a leak would leave it: not found there, the search means nothing."""

import asyncio
import smtplib
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any

import aio_pika
from pymongo import AsyncMongoClient

from deploy.outside.stack import Stack

NAME = "planted-canary"
STRANGER = "planted@example.net"


@asynccontextmanager
async def planted(stack: Stack, value: str) -> AsyncIterator[int]:
    """The value in a document, a message, a log, a stranger's mail, a process and its nameless file; gives its id."""
    data = stack.read()
    log = stack.resolve(data["logs"]) / f"{NAME}.log"
    log.write_text(f"name={value}\n")
    await asyncio.to_thread(_mail, data, value)
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(data["mongo"])
    async with client, await aio_pika.connect(data["amqp"]) as broker, _process(value) as pid:
        channel = await broker.channel(publisher_confirms=True)
        queue = await channel.declare_queue(NAME, durable=True)
        message = aio_pika.Message(value.encode() * 400, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, NAME)
        await client[NAME]["people"].insert_one({"name": value})
        await client.admin.command("fsync")  # what waits in memory is on disk, for all databases
        try:
            yield pid
        finally:
            await queue.delete(if_unused=False, if_empty=False)
            await client.drop_database(NAME)
            log.unlink()
            _forget(stack)


def _forget(stack: Stack) -> None:
    """Take the planted mail away again: the rules for all mails hold for those of the shop."""
    for path in stack.resolve(stack.read()["mail_dir"]).glob("*.eml"):
        if f"Delivered-To: {STRANGER}\r\n".encode() in path.read_bytes()[:400]:
            path.unlink()


def _mail(data: dict[str, Any], value: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "leak@example.net", STRANGER, "planted"
    message.set_content(f"bought by {value}")
    with smtplib.SMTP(data["smtp"]["host"], data["smtp"]["port"], timeout=10) as relay:
        relay.send_message(message)


@asynccontextmanager
async def _process(value: str) -> AsyncIterator[int]:
    """A process that was told the value by argument and environment, and holds it in a file without a name."""
    with tempfile.TemporaryFile() as file:
        file.write(value.encode())
        file.flush()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "import sys; sys.stdin.read()", value, env={"NAME": value},
            stdin=asyncio.subprocess.PIPE, stdout=file.fileno(),
        )  # fmt: skip
        try:
            yield process.pid
        finally:
            process.kill()
            await process.wait()
