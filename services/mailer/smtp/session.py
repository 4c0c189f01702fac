"""One mail through one connection, in two steps, so that a mark can be made between them.

`begin` goes as far as the relay's `354`; everything up to there is surely not accepted, whatever happens. `finish`
hands over the text and its final dot; if no reply comes back after that, nobody can know. The envelope of the next
mail may go along behind that dot (RFC 2920 section 3.1), which saves the connection a round trip for each mail.
"""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from services.mailer.smtp.address import RelayAddress
from services.mailer.smtp.wire import ConnectionLost, Replies, Reply, Wire, commands

_CLOSING = 421
_GO_AHEAD = 354
_ADDRESS = re.compile(r"[!-;=?-~]{1,64}@[A-Za-z0-9.\[\]:-]{1,255}")
_STEPS = 3


class Outcome(Enum):
    """What became of one mail."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """5xx: surely not accepted, and never will be."""
    DEFERRED = "deferred"
    """4xx: surely not accepted, perhaps later."""
    UNREACHABLE = "unreachable"
    """The relay is away, was lost before the text, or takes nothing from us: surely not accepted, nobody's fault."""
    WITHDRAWN = "withdrawn"
    """Given up by us before the text: surely not accepted."""
    UNKNOWN = "unknown"
    """The text was on its way, and no reply came back."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sends, and the one recipient; both in ASCII (a domain in its IDNA form).

    Raises:
        ValueError: an address that would need SMTPUTF8, or would end the command early.
    """

    sender: str
    recipient: str

    def __post_init__(self) -> None:
        if not (_ADDRESS.fullmatch(self.sender) and _ADDRESS.fullmatch(self.recipient)):
            raise ValueError("an envelope takes plain ASCII addresses")


class NotTaken(Exception):
    """The relay did not take the mail; `outcome` says what that means, `code` is its reply's."""

    def __init__(self, outcome: Outcome, code: int) -> None:
        super().__init__(f"{outcome.value} ({code})")
        self.outcome = outcome
        self.code = code


class Session:
    """A connection to the relay that hands over one mail after another."""

    def __init__(self, wire: Wire, *, dot_timeout_s: float) -> None:
        self._wire = wire
        self._dot_timeout_s = dot_timeout_s
        self._is_spent = False
        self._dot: Replies | None = None
        self._ahead: Replies | None = None

    @classmethod
    async def open(cls, relay: RelayAddress, *, hello: str, timeout_s: float, dot_timeout_s: float) -> "Session":
        """Connect.

        Raises:
            ConnectionLost: the relay cannot be reached or does not want us.
        """
        return cls(await Wire.open(relay, hello=hello, timeout_s=timeout_s), dot_timeout_s=dot_timeout_s)

    @property
    def is_usable(self) -> bool:
        """Whether another mail may be tried on it."""
        return not (self._is_spent or self._wire.is_closed)

    async def begin(self, envelope: Envelope) -> None:
        """MAIL, RCPT and DATA, in one packet where the relay offers PIPELINING (RFC 2920).

        Raises:
            NotTaken: the relay refused one of them.
            ConnectionLost: before the text, so surely nothing was accepted.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            replies = await ahead
            if not self.is_usable:  # the mail before it was answered with a goodbye
                raise ConnectionLost("closed")
        elif self.pipelines:
            replies = await self._wire.send(_commands(envelope))
        else:
            replies = await self._one_by_one(_commands(envelope))
        if len(replies) < _STEPS or not all(reply.is_good for reply in replies):
            raise await self._refusal(replies)
        if replies[-1].code != _GO_AHEAD:
            self.cut()
            raise ConnectionLost("no 354")

    @property
    def pipelines(self) -> bool:
        """Whether the relay takes commands before it has replied to those before them."""
        return b"PIPELINING" in self._wire.extensions

    async def _one_by_one(self, lines: Sequence[bytes]) -> list[Reply]:
        replies: list[Reply] = []
        for line in lines:
            replies.append(await self._wire.command(line))
            if not replies[-1].is_good:
                break
        return replies

    async def _refusal(self, replies: list[Reply]) -> NotTaken:
        place, bad = next((place, reply) for place, reply in enumerate(replies) if not reply.is_good)
        if replies[-1].code == _GO_AHEAD or bad.code == _CLOSING:
            self.cut()  # it waits for a text that has no recipient, or is going anyway
        else:
            await self._forget()
        return NotTaken(_meaning(bad.code, is_about_sender=place == 0), bad.code)

    async def _forget(self) -> None:
        try:
            await self._wire.command(b"RSET")
        except ConnectionLost:
            self.cut()

    def hand_over(self, message: bytes, *, ahead: Envelope | None = None) -> Replies:
        """Write the text and the final dot, and behind it the next envelope, whose `begin` then only waits.

        `message` has CRLF line ends; `finish` waits for what becomes of it.

        Raises:
            ConnectionLost: nothing was written.
        """
        text = message.replace(b"\n.", b"\n..") + b".\r\n"
        self._wire.write(text + commands(_commands(ahead)) if ahead else text)
        self._dot = self._wire.expect(1, timeout_s=self._dot_timeout_s)
        if ahead:
            self._ahead = self._wire.expect(_STEPS)
        return self._dot

    async def finish(self, dot: Replies) -> int:
        """Wait for the reply to the final dot; returns its code.

        Raises:
            NotTaken: refused at the dot, or `UNKNOWN` where no reply came in time.
        """
        try:
            [reply] = await dot
        except ConnectionLost:
            self.cut()
            raise NotTaken(Outcome.UNKNOWN, 0) from None
        except BaseException:
            self.cut()
            raise
        if reply.code == _CLOSING:
            self.cut()
        if not reply.is_good:
            raise NotTaken(_meaning(reply.code), reply.code)
        return reply.code

    async def quit(self) -> None:
        """Say goodbye."""
        with contextlib.suppress(ConnectionLost):
            await self._wire.command(b"QUIT")
        self.cut()

    def give_up(self) -> None:
        """Cut, but not before a mail that is at its dot has its reply."""
        self._is_spent = True
        if self._dot is None or self._dot.done():
            self.cut()
        else:
            self._dot.add_done_callback(lambda _: self.cut())

    def cut(self) -> None:
        """End the connection at once; a transaction without its dot is void."""
        self._is_spent = True
        self._wire.close()


def _commands(envelope: Envelope) -> list[bytes]:
    sender, recipient = envelope.sender.encode("ascii"), envelope.recipient.encode("ascii")
    return [b"MAIL FROM:<%b>" % sender, b"RCPT TO:<%b>" % recipient, b"DATA"]


def _meaning(code: int, *, is_about_sender: bool = False) -> Outcome:
    if code == _CLOSING or (is_about_sender and code >= 500):
        return Outcome.UNREACHABLE
    return Outcome.REFUSED if code >= 500 else Outcome.DEFERRED
