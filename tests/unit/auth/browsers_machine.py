"""Sessions and remembered browsers against a model, any step at any moment: on whichever stores the world gives.

Browsers come with a session, without one, with values of their cookie from long ago, several at once, with one that was
altered; time passes; owners log out or end everything. After each step stores and model know the same.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, consumes, initialize, invariant, rule

from services.auth.accounts.passwords import Password
from services.auth.accounts.registration import Wish, register, verify_address
from services.auth.sessions.devices import end_everywhere
from services.auth.sessions.domain import ABSOLUTE, IDLE
from services.auth.sessions.login import begin_session, log_out
from services.auth.sessions.recognition import Recognised, recognise
from services.auth.sessions.remembered import GRACE, LASTS
from services.auth.sessions.seen import WORTH_A_WRITE
from services.auth.sessions.visit import Presented, Visit
from services.auth.tokens import fingerprint
from tests.machines import Machine
from tests.unit.auth.doubles import PASSWORD, World

PAUSES = [timedelta(seconds=1), GRACE, GRACE + timedelta(seconds=1), timedelta(hours=1), IDLE, ABSOLUTE, LASTS]
SEVERAL = 4


@dataclass
class Shop:
    """Auth, and how often its documents have told an owner of a theft."""

    world: World
    thefts: Callable[[], Awaitable[int]]


@dataclass
class Series:
    """A remembered browser: which value is current, since when, and the token of its one session."""

    rotated_at: datetime
    current: int = 0
    token: str = ""
    is_over: bool = False


@dataclass
class Lived:
    """A session."""

    created_at: datetime
    seen_at: datetime
    series: int | None
    is_over: bool = False

    def is_live(self, now: datetime) -> bool:
        return not self.is_over and now < self.seen_at + IDLE and now < self.created_at + ABSOLUTE


@dataclass
class Model:
    """Series by number, sessions by token, and what each cookie that was ever given stands for."""

    series: list[Series] = field(default_factory=list)
    sessions: dict[str, Lived] = field(default_factory=dict)
    cookies: dict[str, tuple[int, int]] = field(default_factory=dict)
    thefts: int = 0

    def end(self, number: int) -> None:
        self.series[number].is_over = True
        self.end_sessions(number)

    def end_sessions(self, number: int, keep: str = "") -> None:
        for token, session in self.sessions.items():
            session.is_over |= session.series == number and token != keep


class BrowsersMachine(Machine):
    """The world is a `Shop` without anybody."""

    windows = Bundle("windows")

    @initialize()
    def an_account(self) -> None:
        self.deps, self.model = self.world.world.deps, Model()
        self.wait_for(register(self.deps, Wish("ann@shop.example", "Ann", Password(PASSWORD))))
        link = self.world.world.mails[-1][1].link
        self.wait_for(verify_address(self.deps, link.partition("t=")[2]))
        [self.account] = self.world.world.accounts.stored.values()

    @property
    def now(self) -> datetime:
        return self.deps.clock()

    @rule(target=windows, remember=st.booleans())
    def log_in(self, remember: bool) -> Presented:
        number = len(self.model.series) if remember else None
        done = self.wait_for(self._log_in(remember))
        assert (done.remember_cookie is not None) == remember
        self.model.sessions[done.session_cookie] = Lived(self.now, self.now, number)
        if remember:
            self.model.series.append(Series(self.now))
            self.model.cookies[done.remember_cookie] = (len(self.model.series) - 1, 0)
        return Presented(done.session_cookie, done.remember_cookie or "")

    async def _log_in(self, remember: bool) -> Any:
        person = await self.deps.people.known(self.account.id)
        return await begin_session(self.deps, self.account, person, remember=remember, visit=Visit("Firefox"))

    @rule(target=windows, window=windows)
    def come(self, window: Presented) -> Presented:
        return self.seen(window, self.wait_for(self.recognised(window)))

    @rule(target=windows, window=windows)
    def come_having_been_closed(self, window: Presented) -> Presented:
        """Without a session, with the cookie of that time, be it from long ago."""
        window = Presented("", window.remember)
        return self.seen(window, self.wait_for(self.recognised(window)))

    @rule(target=windows, window=windows)
    def come_several_times_at_once(self, window: Presented) -> Presented:
        """All are answered alike, with one session."""
        window = Presented("", window.remember)
        answers = self.wait_for(self._several(window))
        assert len({answer.session and answer.session.key for answer in answers}) == 1
        for answer in answers[1:]:
            if answer.remember_cookie:
                self.model.cookies[answer.remember_cookie] = self._next(window)
        return self.seen(window, answers[0])

    async def _several(self, window: Presented) -> list[Recognised]:
        return list(await asyncio.gather(*(self.recognised(window) for _ in range(SEVERAL))))

    def _next(self, window: Presented) -> tuple[int, int]:
        number, value = self.model.cookies[window.remember]
        return number, value + 1

    @rule(window=windows, at=st.integers(3, 60))
    def come_with_an_altered_cookie(self, window: Presented, at: int) -> None:
        cookie = window.remember
        if cookie:
            altered = cookie[:at] + ("A" if cookie[at] != "A" else "B") + cookie[at + 1 :]
            assert self.wait_for(self.recognised(Presented("", altered))).session is None

    @rule(window=consumes(windows))
    def log_out(self, window: Presented) -> None:
        self.wait_for(log_out(self.deps, window))
        session = self.model.sessions.get(window.session)
        if session is not None and not session.is_over:
            session.is_over = True
            if session.series is not None:
                self.model.end(session.series)
        if window.remember:
            self.model.end(self.model.cookies[window.remember][0])

    @rule()
    def end_everything(self) -> None:
        """As a new password does."""
        self.wait_for(end_everywhere(self.deps, self.account.id))
        for series in self.model.series:
            series.is_over = True
        for session in self.model.sessions.values():
            session.is_over = True

    @rule(pause=st.sampled_from(PAUSES))
    def time_passes(self, pause: timedelta) -> None:
        self.world.world.clock.advance(seconds=pause.total_seconds())

    @invariant()
    def stores_and_model_know_the_same(self) -> None:
        if not hasattr(self, "model"):
            return
        stored = self.wait_for(self.deps.sessions.of_account(self.account.id))
        live = {fingerprint(token) for token, session in self.model.sessions.items() if not session.is_over}
        assert {session.key for session in stored} == live
        series = self.wait_for(self.deps.remembered.of_account(self.account.id))
        over = sum(each.is_over for each in self.model.series)
        assert (len(series), sum(each.ended_at is not None for each in series)) == (len(self.model.series), over)

    @invariant()
    def the_owner_is_told_of_each_theft_once(self) -> None:
        if hasattr(self, "model"):
            assert self.wait_for(self.world.thefts()) == self.model.thefts

    async def recognised(self, window: Presented) -> Recognised:
        answer = await recognise(self.deps, window)
        await self.deps.seen.flush()
        return answer

    def seen(self, window: Presented, answer: Recognised) -> Presented:
        """What the model says of it; the window as it is afterwards."""
        session = self.model.sessions.get(window.session)
        if session is not None and session.is_live(self.now):
            assert answer.session is not None
            assert answer.session.key == fingerprint(window.session)
            assert answer.remember_cookie is None
            if self.now - session.seen_at >= WORTH_A_WRITE:
                session.seen_at = self.now
            return window
        if not window.remember:
            assert answer.session is None
            return Presented()
        return self._returned(window, answer)

    def _returned(self, window: Presented, answer: Recognised) -> Presented:
        number, value = self.model.cookies[window.remember]
        series = self.model.series[number]
        is_over = series.is_over or self.now >= series.rotated_at + LASTS
        is_former = value == series.current - 1 and self.now <= series.rotated_at + GRACE
        if is_over or not (value == series.current or is_former):
            assert answer.session is None
            assert answer.forget
            self.model.thefts += not is_over
            self.model.end_sessions(number)
            series.is_over |= not is_over
            return Presented()
        assert answer.session is not None
        assert answer.session_cookie is not None
        assert answer.remember_cookie is not None
        if value == series.current:
            series.current, series.rotated_at, series.token = value + 1, self.now, answer.session_cookie
            self.model.sessions[series.token] = Lived(self.now, self.now, number)
            self.model.end_sessions(number, keep=series.token)
        assert answer.session_cookie == series.token
        assert not answer.session.fresh
        self.model.cookies[answer.remember_cookie] = (number, series.current)
        return Presented(answer.session_cookie, answer.remember_cookie)
