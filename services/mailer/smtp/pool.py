"""Connections to the relay, kept open and used again, and the one way to send a mail."""

import asyncio
from collections import deque
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


@dataclass(slots=True)
class _Place:
    """The right to one connection. `has_followed`: another mail has it already, behind the dot of this one."""

    session: Session | None = None
    has_followed: bool = False


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A mail without a place yet."""

    envelope: Envelope
    place: "asyncio.Future[_Place]"


class RelayPool:
    """Up to `size` connections. One that has died while idle is replaced without anybody noticing.

    Where mails wait for a connection, the envelope of the next one goes along behind a dot.
    """

    def __init__(
        self, relay: RelayAddress, *, size: int, hello: str, timeout_s: float = 60, dot_timeout_s: float = 600
    ) -> None:
        self.size = size
        self._relay = relay
        self._hello = hello
        self._timeout_s = timeout_s
        self._dot_timeout_s = dot_timeout_s
        self._idle: list[Session] = []
        self._free = size
        self._waiting: deque[_Waiting] = deque()

    async def deliver(self, envelope: Envelope, message: bytes, *, before_dot: BeforeDot) -> Delivery:
        """See `MailRelay`."""
        place = await self._place(envelope)
        try:
            session = await self._begun(place, envelope)
            if await before_dot():
                return Delivery(Outcome.ACCEPTED, await self._finished(place, session, message))
            session.cut()  # the relay waits for a text: only a cut tells it that there will be none
            return Delivery(Outcome.WITHDRAWN)
        except NotTaken as refusal:
            return Delivery(refusal.outcome, refusal.code)
        except ConnectionLost:
            return Delivery(Outcome.UNREACHABLE)
        except BaseException:
            if place.session is not None:
                place.session.give_up()
            raise
        finally:
            self._leave(place)

    async def _place(self, envelope: Envelope) -> _Place:
        if self._free:
            self._free -= 1
            return _Place()
        waiting = _Waiting(envelope, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            return await waiting.place
        except asyncio.CancelledError:
            if waiting.place.done() and not waiting.place.cancelled():
                place = waiting.place.result()
                if place.session is not None:
                    place.session.give_up()  # the relay has the envelope of a mail that will not come
                self._leave(place)
            raise

    def _leave(self, place: _Place) -> None:
        if place.has_followed:
            return
        if place.session is not None and place.session.is_usable:
            self._idle.append(place.session)
        following = self._next_waiting()
        if following is None:
            self._free += 1
        else:
            following.place.set_result(_Place())

    def _next_waiting(self) -> _Waiting | None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.place.done():
                return waiting
        return None

    async def _begun(self, place: _Place, envelope: Envelope) -> Session:
        """A session that waits for the text. Idle ones may have died: they are tried first, then a new one."""
        while place.session is not None or self._idle:
            place.session = place.session or self._idle.pop()
            try:
                await place.session.begin(envelope)
            except ConnectionLost:
                place.session.cut()
                place.session = None
            else:
                return place.session
        place.session = await Session.open(
            self._relay, hello=self._hello, timeout_s=self._timeout_s, dot_timeout_s=self._dot_timeout_s
        )
        try:
            await place.session.begin(envelope)
        except ConnectionLost:
            place.session.cut()
            raise
        return place.session

    async def _finished(self, place: _Place, session: Session, message: bytes) -> int:
        following = self._next_waiting() if session.pipelines else None
        try:
            dot = session.hand_over(message, ahead=following.envelope if following else None)
        except ConnectionLost:  # since it was begun, or while the mark was made, which has to count
            if following is not None:
                self._waiting.appendleft(following)
            raise NotTaken(Outcome.UNKNOWN, 0) from None
        if following is not None:
            place.has_followed = True
            following.place.set_result(_Place(session))
        return await session.finish(dot)

    async def close(self) -> None:
        """End the idle connections; those in use end with their mail."""
        idle, self._idle = self._idle, []
        for session in idle:
            try:
                async with asyncio.timeout(1):
                    await session.quit()
            except TimeoutError:
                session.cut()
