"""SMTP as bytes on a connection: replies read, commands written, login done (RFC 5321, 2920, 3207, 4954).

No policy: what a reply means for a mail is decided in `session`.
"""

import asyncio
import base64
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from services.mailer.smtp.address import RelayAddress

_REPLY = re.compile(rb"([2-5][0-9]{2})([ -]?)(.*)")
_CONTROLS = re.compile(rb"[\x00-\x1f\x7f]")
_LIMIT = 16 * 1024
_MAX_LINES = 100
_LEAST_BITS = 256


class ConnectionLost(Exception):
    """The connection is gone, late, or speaks no SMTP."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply's code and its lines; the text is the relay's and may name an address, so it is never logged."""

    code: int
    lines: tuple[bytes, ...]

    @property
    def is_good(self) -> bool:
        """2xx or 3xx."""
        return self.code < 400


Replies = asyncio.Future[list[Reply]]


@dataclass(slots=True)
class _Expected:
    """So many replies, each of them so soon after what came before it."""

    count: int
    timeout_s: float
    answer: Replies
    replies: list[Reply] = field(default_factory=list)


class Wire(asyncio.Protocol):
    """One connection, after the greeting, EHLO, TLS and login.

    Whoever writes says at once how many replies that brings, and may write again before they are there. One timer
    for all of them: it is only moved where it would ring too late.
    """

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._lines: list[bytes] = []
        self._expected: deque[_Expected] = deque()
        self._is_lost = False
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        self._greeting = self.expect(1)
        self.extensions: frozenset[bytes] = frozenset()
        self._login_methods: frozenset[bytes] = frozenset()

    @classmethod
    async def open(cls, relay: RelayAddress, *, hello: str, timeout_s: float) -> "Wire":
        """Connect and say who we are.

        Raises:
            ConnectionLost: unreachable, late, or the relay does not want to speak with us.
        """
        tls = relay.tls() if relay.is_encrypted_at_once else None
        wire = cls(timeout_s=timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                await wire._loop.create_connection(lambda: wire, relay.host, relay.port, ssl=tls)
            if tls:
                wire._check_cipher()
            await wire._introduce(relay, hello)
        except BaseException as error:
            wire.close()
            if isinstance(error, OSError):  # a TimeoutError is one, too
                raise ConnectionLost(f"connect: {type(error).__name__}") from error
            raise
        return wire

    async def _introduce(self, relay: RelayAddress, hello: str) -> None:
        await self._expect_good((await self._greeting)[0])
        await self._ehlo(hello)
        if relay.wants_starttls:
            await self._start_tls(relay, hello)
        if relay.user:
            await self._log_in(relay)

    async def _ehlo(self, hello: str) -> None:
        reply = await self.command(b"EHLO " + hello.encode("ascii"))
        await self._expect_good(reply)
        offers = [line.upper() for line in reply.lines[1:]]
        self.extensions = frozenset(line.partition(b" ")[0] for line in offers)
        self._login_methods = frozenset(word for line in offers if line.startswith(b"AUTH ") for word in line.split())

    async def _start_tls(self, relay: RelayAddress, hello: str) -> None:
        await self._expect_good(await self.command(b"STARTTLS"))
        if self._buffer or self._is_lost:  # RFC 3207 section 4.2: clear text behind it is an attack
            raise ConnectionLost("text before TLS")
        assert self._transport is not None
        try:
            encrypted = await self._loop.start_tls(
                self._transport, self, relay.tls(), server_hostname=relay.host, ssl_handshake_timeout=self._timeout_s
            )
        except OSError as error:
            raise ConnectionLost(f"TLS: {type(error).__name__}") from error
        if encrypted is None:
            raise ConnectionLost("TLS: closed")
        self._transport = encrypted
        self._check_cipher()
        await self._ehlo(hello)

    def _check_cipher(self) -> None:
        """Nothing below 256 bits: `ssl` cannot choose the suites of TLS 1.3, but it tells which one was agreed on."""
        cipher = self._transport.get_extra_info("cipher") if self._transport else None
        if not cipher or cipher[2] < _LEAST_BITS:
            raise ConnectionLost("the relay agreed to less than 256 bits")

    async def _log_in(self, relay: RelayAddress) -> None:
        secret = base64.b64encode(f"\0{relay.user}\0{relay.password.reveal()}".encode())
        if b"PLAIN" in self._login_methods:
            await self._expect_good(await self.command(b"AUTH PLAIN " + secret))
            return
        await self._expect_good(await self.command(b"AUTH LOGIN"))
        await self._expect_good(await self.command(base64.b64encode(relay.user.encode())))
        await self._expect_good(await self.command(base64.b64encode(relay.password.reveal().encode())))

    async def _expect_good(self, reply: Reply) -> None:
        if not reply.is_good:
            raise ConnectionLost(f"the relay answered {reply.code} before any mail")

    async def command(self, line: bytes) -> Reply:
        """Send one command and wait for its reply.

        Raises:
            ConnectionLost: cut, late, or no SMTP.
        """
        [reply] = await self.send([line])
        return reply

    def send(self, lines: Sequence[bytes]) -> Replies:
        """Write commands in one go; their replies come in order. Control characters are refused.

        Raises:
            ValueError: a line would be two.
        """
        self.write(commands(lines))
        return self.expect(len(lines))

    def write(self, data: bytes) -> None:
        """Write bytes as they are; `expect` what they bring before anything is awaited.

        Raises:
            ConnectionLost: closed.
        """
        if self._transport is None or self.is_closed:
            raise ConnectionLost("closed")
        self._transport.write(data)

    def expect(self, count: int, *, timeout_s: float | None = None) -> Replies:
        """The next replies that nobody waits for yet; it fails with `ConnectionLost`: cut, late, or no SMTP."""
        answer: Replies = self._loop.create_future()
        self._expected.append(_Expected(count, self._timeout_s if timeout_s is None else timeout_s, answer))
        if len(self._expected) == 1:
            self._watch()
        return answer

    def _watch(self) -> None:
        """The first of what is expected has its time from now on."""
        if not self._expected:
            return
        self._until = self._loop.time() + self._expected[0].timeout_s
        if self._timer is None or self._until < self._rings_at:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = self._until
        self._timer = self._loop.call_at(self._until, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if not self._expected:
            return
        if self._loop.time() >= self._until:
            self._lose("late")
        else:
            self._set_timer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if not self._is_lost:
                self._take(line.rstrip(b"\r"))
        if len(self._buffer) > _LIMIT:
            self._lose("no SMTP reply")

    def _take(self, line: bytes) -> None:
        match = _REPLY.fullmatch(line)
        if match is None or not self._expected or len(self._lines) == _MAX_LINES or len(line) > _LIMIT:
            self._lose("no SMTP reply")  # or one that nothing was asked for: a relay that is going
            return
        self._lines.append(match[3])
        if match[2] == b"-":
            return
        first = self._expected[0]
        first.replies.append(Reply(int(match[1]), tuple(self._lines)))
        self._lines.clear()
        if len(first.replies) == first.count:
            self._expected.popleft()
            if not first.answer.done():
                first.answer.set_result(first.replies)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._lose(type(exc).__name__ if exc else "cut")

    def _lose(self, reason: str) -> None:
        self._is_lost = True
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
        while self._expected:
            answer = self._expected.popleft().answer
            if not answer.done():
                answer.set_exception(ConnectionLost(reason))
                answer.exception()  # whoever has gone meanwhile need not hear of it

    @property
    def is_closed(self) -> bool:
        """Whether either side has ended it, as far as is known."""
        return self._is_lost or self._transport is None or self._transport.is_closing()

    def close(self) -> None:
        """Cut the connection without a word: what was not ended by a dot is void (RFC 5321 section 4.1.1.4)."""
        self._lose("closed")


def commands(lines: Sequence[bytes]) -> bytes:
    """Lines as they are written; control characters are refused.

    Raises:
        ValueError: a line would be two.
    """
    text = b"\r\n".join(lines) + b"\r\n"
    if len(_CONTROLS.findall(text)) != 2 * len(lines):
        raise ValueError("a command may not hold control characters")
    return text
