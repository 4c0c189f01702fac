"""A real SMTP server for tests: counts copies, fails where it is told to, and is fast enough to measure against.

`python -m services.mailer.testing.sink --port 2525` swallows everything and prints a count each second.
"""

import argparse
import asyncio
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

CUT = b""
"""A script's answer that cuts the connection instead of replying."""
SILENT = b"\0"
"""A script's answer that never replies."""

Script = Callable[[str, str], bytes | None]
"""(stage, recipient) -> reply line, `CUT`, `SILENT` or None for the usual one. Stages: connect, mail, rcpt, data, text,
dot. The recipient is "" before it is known. `text` is asked when the first bytes of the text arrive."""

_PATH = re.compile(rb"<([^>]*)>")
_USUAL = {"mail": b"250 ok", "rcpt": b"250 ok", "data": b"354 go on", "dot": b"250 taken"}


class Sink:
    """What arrived. `accepted` counts copies by recipient as soon as the server has them, replied or not."""

    def __init__(self, script: Script | None = None, *, pipelining: bool = True, keep: bool = True) -> None:
        self.script: Script = script or (lambda stage, recipient: None)
        self.pipelining = pipelining
        self.keep = keep
        self.accepted: Counter[str] = Counter()
        self.begun: Counter[str] = Counter()
        self.messages: list[tuple[str, bytes]] = []
        self.envelopes: list[tuple[str, str]] = []
        """Recipient and return path of each copy, in order."""
        self.connections = 0
        self.port = 0
        self._changed = asyncio.Event()

    def take(self, recipient: str, message: bytes, sender: str = "") -> None:
        """Note one copy."""
        self.accepted[recipient] += 1
        if self.keep:
            self.envelopes.append((recipient, sender))
            self.messages.append((recipient, message))
        self._changed.set()

    def begin(self, recipient: str) -> None:
        """Note one transaction for a recipient, taken or not."""
        self.begun[recipient] += 1
        self._changed.set()

    async def wait_begun(self, transactions: int) -> None:
        """Until so many transactions have named their recipient."""
        while self.begun.total() < transactions:
            self._changed.clear()
            await self._changed.wait()

    async def wait_for(self, copies: int) -> None:
        """Until so many copies have arrived."""
        while self.accepted.total() < copies:
            self._changed.clear()
            await self._changed.wait()


@asynccontextmanager
async def running_sink(
    script: Script | None = None, *, pipelining: bool = True, keep: bool = True, port: int = 0
) -> AsyncIterator[Sink]:
    """A sink on a port of its own."""
    sink = Sink(script, pipelining=pipelining, keep=keep)
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(sink), "127.0.0.1", port)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()


class _Connection(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = b""
        self._sender = self._recipient = ""
        self._has_recipient = False
        self._in_text = self._has_text = False
        self._is_silent = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._sink.connections += 1
        greeting = self._sink.script("connect", "")
        self._say(b"220 sink ESMTP" if greeting is None else greeting)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while not (self._is_silent or self._transport.is_closing()) and self._step():
            pass

    def _step(self) -> bool:
        if self._in_text:
            return self._read_text()
        line, found, rest = self._buffer.partition(b"\r\n")
        if not found:
            return False
        self._buffer = rest
        self._command(line)
        return True

    def _read_text(self) -> bool:
        if not self._buffer:
            return False
        if not self._has_text and self._sink.script("text", self._recipient) == CUT:
            self._transport.abort()
            return False
        self._has_text = True
        text, found, rest = self._buffer.partition(b"\r\n.\r\n")
        if not found:
            return False
        self._buffer, self._in_text = rest, False
        reply = self._sink.script("dot", self._recipient)
        if reply in (None, CUT, SILENT) or (reply or b"").startswith(b"2"):
            self._sink.take(self._recipient, (text + b"\r\n").replace(b"\r\n..", b"\r\n."), self._sender)
        self._say(_USUAL["dot"] if reply is None else reply)
        return True

    def _command(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"EHLO":
            self._say(b"250-sink\r\n250 PIPELINING" if self._sink.pipelining else b"250 sink")
        elif verb in (b"MAIL", b"RCPT", b"DATA"):
            self._mail(verb.decode().lower(), line)
        elif verb == b"QUIT":
            self._say(b"221 bye")
            self._transport.close()
        else:
            self._say(b"250 ok" if verb in (b"RSET", b"NOOP") else b"502 what?")

    def _mail(self, stage: str, line: bytes) -> None:
        if stage == "mail":
            self._recipient, self._has_recipient = "", False
            path = _PATH.search(line)
            self._sender = path[1].decode() if path else ""
        elif stage == "rcpt" and (path := _PATH.search(line)):
            self._recipient = path[1].decode()
            self._sink.begin(self._recipient)
        reply = self._sink.script(stage, self._recipient)
        reply = _USUAL[stage] if reply is None else reply
        if stage == "rcpt":
            self._has_recipient = reply.startswith(b"2")
        elif stage == "data" and reply == _USUAL["data"] and not self._has_recipient:
            reply = b"554 no valid recipients"
        self._has_text = False
        self._in_text = stage == "data" and reply.startswith(b"3")
        self._say(reply)

    def _say(self, reply: bytes) -> None:
        if reply == CUT:
            self._transport.abort()
        elif reply == SILENT:
            self._is_silent = True
        else:
            self._transport.write(reply + b"\r\n")


async def _swallow(port: int) -> None:
    async with running_sink(keep=False, port=port) as sink:
        before = 0
        while True:
            await asyncio.sleep(1)
            now = sink.accepted.total()
            sys.stdout.write(f"{now} {now - before}\n")
            sys.stdout.flush()
            before = now


def main() -> None:
    """Run as a process of its own, for measurements."""
    import uvloop

    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=2525)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_swallow(parser.parse_args().port))


if __name__ == "__main__":
    main()
