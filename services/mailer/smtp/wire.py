"""SMTP as bytes on a connection: replies read, commands written, login done (RFC 5321, 2920, 3207, 4954).

No policy: what a reply means for a mail is decided in `session`.
"""

import asyncio
import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

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


class Wire:
    """One connection, after the greeting, EHLO, TLS and login."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, timeout_s: float) -> None:
        self._reader = reader
        self._writer = writer
        self._timeout_s = timeout_s
        self.extensions: frozenset[bytes] = frozenset()
        self._login_methods: frozenset[bytes] = frozenset()

    @classmethod
    async def open(cls, relay: RelayAddress, *, hello: str, timeout_s: float) -> "Wire":
        """Connect and say who we are.

        Raises:
            ConnectionLost: unreachable, late, or the relay does not want to speak with us.
        """
        tls = relay.tls() if relay.is_encrypted_at_once else None
        try:
            async with asyncio.timeout(timeout_s):
                reader, writer = await asyncio.open_connection(relay.host, relay.port, ssl=tls, limit=_LIMIT)
        except (OSError, TimeoutError) as error:
            raise ConnectionLost(f"connect: {type(error).__name__}") from error
        wire = cls(reader, writer, timeout_s=timeout_s)
        try:
            if tls:
                wire._check_cipher()
            await wire._introduce(relay, hello)
        except BaseException:
            wire.close()
            raise
        return wire

    async def _introduce(self, relay: RelayAddress, hello: str) -> None:
        await self._expect_good(await self.reply())
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
        if self._reader._buffer:  # type: ignore[attr-defined]  # RFC 3207 section 4.2: clear text behind it is an attack
            raise ConnectionLost("text before TLS")
        try:
            await self._writer.start_tls(relay.tls(), server_hostname=relay.host, ssl_handshake_timeout=self._timeout_s)
        except OSError as error:
            raise ConnectionLost(f"TLS: {type(error).__name__}") from error
        self._check_cipher()
        await self._ehlo(hello)

    def _check_cipher(self) -> None:
        """Nothing below 256 bits: `ssl` cannot choose the suites of TLS 1.3, but it tells which one was agreed on."""
        cipher = self._writer.get_extra_info("cipher")
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
        """Send one command and wait for its reply."""
        self.send([line])
        return await self.reply()

    def send(self, lines: Sequence[bytes]) -> None:
        """Write commands in one go; their replies come in order. Control characters are refused.

        Raises:
            ValueError: a line would be two.
        """
        if any(_CONTROLS.search(line) for line in lines):
            raise ValueError("a command may not hold control characters")
        self.write(b"".join(line + b"\r\n" for line in lines))

    def write(self, data: bytes) -> None:
        """Write bytes as they are."""
        if self._writer.is_closing():
            raise ConnectionLost("closed")
        self._writer.write(data)

    async def reply(self, *, timeout_s: float | None = None) -> Reply:
        """Read one reply, of one or more lines.

        Raises:
            ConnectionLost: cut, late, or no SMTP.
        """
        lines: list[bytes] = []
        try:
            async with asyncio.timeout(self._timeout_s if timeout_s is None else timeout_s):
                while len(lines) < _MAX_LINES:
                    match = _REPLY.fullmatch((await self._reader.readuntil(b"\n")).rstrip(b"\r\n"))
                    if match is None:
                        break
                    lines.append(match[3])
                    if match[2] != b"-":
                        return Reply(int(match[1]), tuple(lines))
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ConnectionLost(type(error).__name__) from error
        raise ConnectionLost("no SMTP reply")

    @property
    def is_closed(self) -> bool:
        """Whether either side has ended it, as far as is known."""
        return self._writer.is_closing() or self._reader.at_eof()

    def close(self) -> None:
        """Cut the connection without a word: what was not ended by a dot is void (RFC 5321 section 4.1.1.4)."""
        self._writer.close()
