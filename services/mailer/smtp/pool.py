"""Connections to the relay, kept open and used again, and the one way to send a mail."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from services.mailer.smtp.address import RelayAddress
from services.mailer.smtp.session import Envelope, NotTaken, Outcome, Session
from services.mailer.smtp.wire import ConnectionLost

BeforeDot = Callable[[], Awaitable[bool]]
"""Called when the relay waits for the text: makes the mark that must stand before the dot. False withdraws the mail."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a mail, and the relay's code where it gave one (else 0)."""

    outcome: Outcome
    code: int = 0


class MailRelay(Protocol):
    """Takes mails."""

    async def deliver(self, envelope: Envelope, message: bytes, *, before_dot: BeforeDot) -> Delivery:
        """Hand over one mail. What `before_dot` raises is raised here, and nothing was sent."""


class RelayPool:
    """Up to `size` connections. One that has died while idle is replaced without anybody noticing."""

    def __init__(
        self, relay: RelayAddress, *, size: int, hello: str, timeout_s: float = 60, dot_timeout_s: float = 600
    ) -> None:
        self.size = size
        self._relay = relay
        self._hello = hello
        self._timeout_s = timeout_s
        self._dot_timeout_s = dot_timeout_s
        self._idle: list[Session] = []
        self._places = asyncio.Semaphore(size)

    async def deliver(self, envelope: Envelope, message: bytes, *, before_dot: BeforeDot) -> Delivery:
        """See `MailRelay`."""
        async with self._places:
            try:
                session = await self._begun(envelope)
            except NotTaken as refusal:
                return Delivery(refusal.outcome, refusal.code)
            except ConnectionLost:
                return Delivery(Outcome.UNREACHABLE)
            try:
                if await before_dot():
                    return await _finished(session, message)
                session.cut()  # the relay waits for a text: only a cut tells it that there will be none
                return Delivery(Outcome.WITHDRAWN)
            except BaseException:
                session.cut()
                raise
            finally:
                self._keep(session)

    async def _begun(self, envelope: Envelope) -> Session:
        """A session that waits for the text. Idle ones may have died: they are tried first, then a new one."""
        while self._idle:
            session = self._idle.pop()
            try:
                return await self._begin(session, envelope)
            except ConnectionLost:
                continue
        session = await Session.open(
            self._relay, hello=self._hello, timeout_s=self._timeout_s, dot_timeout_s=self._dot_timeout_s
        )
        return await self._begin(session, envelope)

    async def _begin(self, session: Session, envelope: Envelope) -> Session:
        try:
            await session.begin(envelope)
        except NotTaken:
            self._keep(session)
            raise
        except BaseException:
            session.cut()
            raise
        return session

    def _keep(self, session: Session) -> None:
        if session.is_usable:
            self._idle.append(session)

    async def close(self) -> None:
        """End the idle connections; those in use end with their mail."""
        idle, self._idle = self._idle, []
        for session in idle:
            try:
                async with asyncio.timeout(1):
                    await session.quit()
            except TimeoutError:
                session.cut()


async def _finished(session: Session, message: bytes) -> Delivery:
    try:
        return Delivery(Outcome.ACCEPTED, await session.finish(message))
    except NotTaken as refusal:
        return Delivery(refusal.outcome, refusal.code)
