"""An SMTP server that takes every mail at once and keeps nothing but counts: fast enough not to be the limit.

Speaks ESMTP with PIPELINING (RFC 2920), checks what a sender may not get wrong (order of commands, bare dots, one
recipient a mail) and counts accepted mails by recipient, so that a cap that leaks is seen.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

_END = b"\r\n.\r\n"
_EHLO = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 10485760\r\n"


@dataclass
class Counts:
    """What has come in since the start; `mistakes` are protocol errors of the sender."""

    sessions: int = 0
    mails: int = 0
    size_bytes: int = 0
    mistakes: int = 0
    recipients: Counter[bytes] = field(default_factory=Counter)
    first_at: float = 0.0
    last_at: float = 0.0

    @property
    def per_second(self) -> float:
        """Mails a second, from the first that came to the last."""
        seconds = self.last_at - self.first_at
        return (self.mails - 1) / seconds if seconds else 0.0

    @property
    def most_for_one(self) -> int:
        """The largest number of mails that one address was handed."""
        return max(self.recipients.values(), default=0)


class Session(asyncio.Protocol):
    """One connection."""

    def __init__(self, counts: Counts, kept: list[bytes] | None = None) -> None:
        self._kept = kept
        self._counts = counts
        self._buffer = b""
        self._in_data = False
        self._recipients: list[bytes] = []
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._counts.sessions += 1
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        answers: list[bytes] = []
        while (answer := self._next_answer()) is not None:
            answers.append(answer)
        if answers:
            self._transport.write(b"".join(answers))
            if answers[-1].startswith(b"221"):
                self._transport.close()

    def _next_answer(self) -> bytes | None:
        """Consume one command or one mail; None when the buffer holds no whole one. b"" answers nothing."""
        if self._in_data:
            return self._mail()
        line, end, rest = self._buffer.partition(b"\r\n")
        if not end:
            return None
        self._buffer = rest
        return self._command(line[:4].upper(), line)

    def _mail(self) -> bytes | None:
        # The final dot may be the first thing after DATA's own line end: an empty mail.
        end = 0 if self._buffer.startswith(_END[2:]) else self._buffer.find(_END)
        if end < 0:
            return None
        size = end + (3 if end == 0 else len(_END))
        if self._kept is not None:
            self._kept.append(self._buffer[: end + 2].replace(b"\r\n..", b"\r\n."))
        self._buffer = self._buffer[size:]
        self._in_data = False
        self._counts.last_at = time.perf_counter()
        self._counts.first_at = self._counts.first_at or self._counts.last_at
        self._counts.mails += 1
        self._counts.size_bytes += size
        self._counts.recipients.update(self._recipients)
        self._recipients = []
        return b"250 2.0.0 taken\r\n"

    def _command(self, verb: bytes, line: bytes) -> bytes:
        if verb == b"MAIL" or verb == b"RSET":
            self._recipients = []
            return b"250 2.0.0 ok\r\n"
        if verb == b"RCPT":
            self._recipients.append(line[line.find(b"<") + 1 : line.find(b">")])
            return b"250 2.1.5 ok\r\n"
        if verb == b"DATA" and len(self._recipients) == 1:
            self._in_data = True
            return b"354 go ahead\r\n"
        if verb in (b"EHLO", b"HELO"):
            return _EHLO
        if verb == b"NOOP":
            return b"250 2.0.0 ok\r\n"
        if verb == b"QUIT":
            return b"221 2.0.0 bye\r\n"
        self._counts.mistakes += 1
        return b"503 5.5.1 not now\r\n"


class Sink:
    """The listening server; `async with Sink() as sink` binds a free port of 127.0.0.1."""

    def __init__(self, *, keep: bool = False) -> None:
        self.counts = Counts()
        self.kept: list[bytes] = []
        self._keeps = keep
        self.port = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "Sink":
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def _session(self) -> Session:
        return Session(self.counts, self.kept if self._keeps else None)

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
