"""Erasure against a model, whoever dies at any step: on whichever stores the world gives.

People register, are erased by a process that may die, by another one again; services answer in any order, late, twice;
sweeps come round and may die, too. Nobody is half erased: what was begun is ended by sweeps and answers alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from services.auth.accounts.domain import Account
from services.auth.accounts.owner import Owner
from services.auth.accounts.passwords import Password
from services.auth.accounts.registration import Wish, register, verify_address
from services.auth.deps import Deps
from services.auth.mydata.answers import answer_handlers
from services.auth.mydata.erasure import erase, sweep
from services.auth.people import email_key
from services.auth.refusals import AccountNotFound, NoSession, WrongCredentials
from services.auth.sessions.login import begin_session
from services.auth.sessions.visit import Visit
from shared.contracts import mailer, orders, warranty
from shared.contracts.auth import AccountErased, MessageRequested, Recipient
from shared.contracts.persons import Erased
from shared.events import Event
from shared.ids import new_id
from shared.personal import PersonErased
from shared.topology import ASKED
from tests.machines import Machine
from tests.mortal import Fate, Mortal
from tests.unit.auth.doubles import PASSWORD, World

ADDRESSES = [f"{name}@shop.example" for name in ("ann", "bob")]
CONTRACTS = {"orders": orders, "mailer": mailer, "warranty": warranty}
GONE = (NoSession, AccountNotFound, PersonErased, WrongCredentials)
PEERS = ("accounts", "people", "erasures", "remembered", "sessions", "exports", "resets")


@dataclass
class Shop:
    """Auth; every event that its documents have announced; and the relays of events and notes taking what waits."""

    world: World
    events: Callable[[], list[Event]]
    relay: Callable[[], Awaitable[None]]


@dataclass
class Modelled:
    """A person: erased or not; the event that asks the others; who has answered."""

    address: str
    asked: Event | None = None
    answers: set[str] = field(default_factory=set)


class ErasureMachine(Machine):
    """The world is a `Shop` without anybody."""

    @initialize()
    def nobody(self) -> None:
        self.deps: Deps = self.world.world.deps
        self.model: dict[str, Modelled] = {}

    @rule(address=st.sampled_from(ADDRESSES))
    def register(self, address: str) -> None:
        """Nothing happens where the address has an account; one that was erased is free at once."""
        if any(each.address == address and each.asked is None for each in self.model.values()):
            return
        self.wait_for(register(self.deps, Wish(address, "Ann", Password(PASSWORD))))
        letter = self.announced(MessageRequested.TYPE)[-1]
        unsealer = self.world.world.sealing.unsealer("mailer")
        box = letter.read(MessageRequested).recipient
        link = unsealer.open(Recipient, box, event=letter, field="recipient").link
        self.wait_for(verify_address(self.deps, link.partition("t=")[2]))
        account = self.wait_for(self.deps.accounts.find_by_email(email_key(self.deps.index, address)))
        assert account.id not in self.model
        self.model[account.id] = Modelled(address)

    @rule(which=st.integers(0, 3), remember=st.booleans())
    def log_in(self, which: int, remember: bool) -> None:
        if account_id := self.chosen(which):
            logging_in = self._log_in(account_id, remember)
            if self.model[account_id].asked is None:
                self.wait_for(logging_in)
            else:
                self.refused(logging_in, *GONE)

    async def _log_in(self, account_id: str, remember: bool) -> None:
        account = await self.deps.accounts.get(account_id)
        person = await self.deps.people.known(account_id)
        await begin_session(self.deps, account, person, remember=remember, visit=Visit("Firefox"))

    @rule(which=st.integers(0, 3), dies_at=st.sampled_from([0, 0, *range(1, 30)]))
    def erase(self, which: int, dies_at: int) -> None:
        account_id = self.chosen(which)
        if not account_id:
            return
        deps = mortal(self.deps, dies_at)
        erasing = erase(deps, partial(self._owner, deps, account_id))
        if self.model[account_id].asked is not None:
            self.refused(erasing, *GONE, Died)
            return
        try:
            receipt = self.wait_for(_surviving(erasing))
        except Died:
            receipt = None
        asked = [event for event in self.announced(AccountErased.TYPE) if event.subject == account_id]
        assert len(asked) == (1 if receipt else len(asked))
        assert len(asked) <= 1
        if asked:
            self.model[account_id].asked = asked[0]
        if receipt:
            self.is_forgotten(account_id)

    @staticmethod
    async def _owner(deps: Deps, account_id: str) -> Owner:
        return Owner(await deps.accounts.get(account_id), await deps.people.known(account_id))

    @rule(which=st.integers(0, 3), service=st.sampled_from(ASKED), times=st.integers(1, 2))
    def answer(self, which: int, service: str, times: int) -> None:
        account_id = self.chosen(which)
        if not account_id or self.model[account_id].asked is None:
            return
        asked = self.model[account_id].asked
        assert asked is not None
        told = CONTRACTS[service].PersonErased(
            erasure_id=asked.read(AccountErased).erasure_id, account_id=account_id, erased_at=self.deps.clock(),
            erased=(Erased(what="profile", count=1),), kept=(),
        )  # fmt: skip
        event = Event.of(told, id=new_id(), subject=account_id, at=self.deps.clock())
        for _ in range(times):
            self.wait_for(answer_handlers(self.deps)[event.type](event))
        self.model[account_id].answers.add(service)

    @rule(dies_at=st.sampled_from([0, 0, *range(1, 20)]), after_s=st.sampled_from([0, 40]))
    def sweep(self, dies_at: int, after_s: int) -> None:
        self.world.world.clock.advance(seconds=after_s)
        try:
            self.wait_for(_surviving(sweep(mortal(self.deps, dies_at))))
        except Died:
            return
        for account_id, modelled in self.model.items():
            if modelled.asked is not None:
                self.is_forgotten(account_id)

    @rule()
    def relays_take_what_waits(self) -> None:
        self.wait_for(self.world.relay())

    @invariant()
    def whoever_is_erased_is_found_by_nobody(self) -> None:
        if not hasattr(self, "model"):
            return
        there = {each.address: key for key, each in self.model.items() if each.asked is None}
        for address in ADDRESSES:
            found: Account | None = self.wait_for(self.deps.accounts.find_by_email(email_key(self.deps.index, address)))
            assert (found and found.id) == there.get(address)

    @invariant()
    def a_last_word_goes_out_with_the_last_answer(self) -> None:
        if not hasattr(self, "model"):
            return
        done = [each for each in self.model.values() if each.answers == set(ASKED)]
        letters = [event.read(MessageRequested).template for event in self.announced(MessageRequested.TYPE)]
        assert letters.count("erased") == len(done)

    def teardown(self) -> None:
        """The faults end; all that was begun is over once every service has answered and the sweep came round."""
        for which, service in ((n, each) for n in range(len(getattr(self, "model", ()))) for each in ASKED):
            self.answer(which, service, 1)
        if getattr(self, "model", None):
            for _ in range(2):
                self.relays_take_what_waits()
                self.sweep(0, 40)
            erased = [key for key, each in self.model.items() if each.asked is not None]
            for account_id in erased:
                self.refused(self.deps.accounts.get(account_id), AccountNotFound)
            self.a_last_word_goes_out_with_the_last_answer()

    def is_forgotten(self, account_id: str) -> None:
        """Nothing sealed opens any more, and nobody is logged in or remembered."""
        self.refused(self.deps.people.known(account_id), PersonErased)
        assert self.wait_for(self.deps.sessions.of_account(account_id)) == []
        series = self.wait_for(self.deps.remembered.of_account(account_id))
        assert all(each.ended_at is not None for each in series)

    def chosen(self, which: int) -> str:
        """The newest people, or ""."""
        ids = list(self.model)
        return ids[-1 - which] if which < len(ids) else ""

    def announced(self, type: str) -> list[Event]:
        return [event for event in self.world.events() if event.type == type]


class Died(Exception):
    """The process is no more."""


async def _surviving(work: Any) -> Any:
    """A death cancels what runs; whoever watches goes on."""
    try:
        return await asyncio.ensure_future(work)
    except asyncio.CancelledError:
        raise Died from None


def mortal(deps: Deps, dies_at: int) -> Deps:
    """The same process, doomed where `dies_at` is not 0."""
    if not dies_at:
        return deps
    fate = Fate(dies_at)
    return replace(deps, **{name: Mortal(getattr(deps, name), fate) for name in PEERS})
