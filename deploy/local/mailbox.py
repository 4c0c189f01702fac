"""The stack's mailbox: SMTP in, one file for each mail, and a page to read them. For one machine, not for the world.

`python -m deploy.local.mailbox --smtp PORT --http PORT --folder MAIL`
"""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import uvloop
from aiohttp import web
from aiosmtpd.smtp import SMTP

from deploy.local.mails import MailHandler, MailStore
from deploy.local.mails_page import build_app
from deploy.local.ports import HOST

SIZE_LIMIT_BYTES = 16 * 1024 * 1024


async def serve(store: MailStore, *, smtp_port: int, http_port: int, stopping: asyncio.Event) -> None:
    """Take mails and show them until `stopping` is set."""
    async with open_smtp(store, port=smtp_port):
        runner = web.AppRunner(build_app(store), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, http_port, reuse_address=True).start()
            await stopping.wait()
        finally:
            await runner.cleanup()


@contextlib.asynccontextmanager
async def open_smtp(store: MailStore, *, port: int) -> AsyncIterator[asyncio.Server]:
    """An SMTP server in this loop that keeps what it accepts in `store`."""
    handler = MailHandler(store)
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        return SMTP(handler, data_size_limit=SIZE_LIMIT_BYTES, enable_SMTPUTF8=True, ident="mailbox", loop=loop)

    server = await loop.create_server(session, HOST, port, backlog=512)
    try:
        yield server
    finally:
        server.close()


async def _main(arguments: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopping.set)
    store = MailStore(arguments.folder)
    await serve(store, smtp_port=arguments.smtp, http_port=arguments.http, stopping=stopping)


def main(words: list[str]) -> int:
    """The mailbox as a process."""
    parser = argparse.ArgumentParser(prog="mailbox", description=__doc__)
    parser.add_argument("--smtp", type=int, required=True, help="port that takes mails")
    parser.add_argument("--http", type=int, required=True, help="port of the page")
    parser.add_argument("--folder", type=Path, required=True, help="where the mails are kept")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(parser.parse_args(words)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
