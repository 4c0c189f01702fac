"""The stores that unit tests run on pass the suite of the real ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.unit.auth.doubles import (
    MemoryAccounts,
    MemoryChallenges,
    MemoryErasures,
    MemoryExports,
    MemoryNotes,
    MemoryRememberedBrowsers,
    MemoryResets,
    MemorySessions,
    MemoryTrail,
    MemoryTries,
    World,
    some_notes,
)
from tests.unit.auth.mydata_suite import ErasuresSuite, ExportsSuite
from tests.unit.auth.notes_suite import NotesSuite, Stores
from tests.unit.auth.stores_suite import (
    AccountsSuite,
    ChallengesSuite,
    RememberedBrowsersSuite,
    ResetsSuite,
    SessionsSuite,
    TrailSuite,
    TriesSuite,
)


@pytest.fixture
def notes() -> MemoryNotes:
    return some_notes()


class TestMemoryAccounts(AccountsSuite):
    @pytest.fixture
    def accounts(self, notes: MemoryNotes) -> MemoryAccounts:
        return MemoryAccounts(notes)


class TestMemoryResets(ResetsSuite):
    @pytest.fixture
    def resets(self) -> MemoryResets:
        return MemoryResets()


class TestMemorySessions(SessionsSuite):
    @pytest.fixture
    def sessions(self, notes: MemoryNotes) -> MemorySessions:
        return MemorySessions(notes)


class TestMemoryRememberedBrowsers(RememberedBrowsersSuite):
    @pytest.fixture
    def remembered(self, notes: MemoryNotes) -> MemoryRememberedBrowsers:
        return MemoryRememberedBrowsers(notes)


class TestMemoryChallenges(ChallengesSuite):
    @pytest.fixture
    def challenges(self) -> MemoryChallenges:
        return MemoryChallenges()


class TestMemoryTries(TriesSuite):
    @pytest.fixture
    def tries(self) -> MemoryTries:
        return MemoryTries()


class TestMemoryTrail(TrailSuite):
    @pytest.fixture
    def trail(self) -> MemoryTrail:
        return MemoryTrail()


class TestMemoryExports(ExportsSuite):
    @pytest.fixture
    def exports(self, notes: MemoryNotes) -> MemoryExports:
        return MemoryExports(notes)


class TestMemoryErasures(ErasuresSuite):
    @pytest.fixture
    def accounts(self, notes: MemoryNotes) -> MemoryAccounts:
        return MemoryAccounts(notes)

    @pytest.fixture
    def erasures(self, accounts: MemoryAccounts) -> MemoryErasures:
        return MemoryErasures(accounts)


class TestMemoryNotes(NotesSuite):
    @pytest.fixture
    def stores(self) -> Stores:
        world = World()
        world.deps.hashes.close()
        world.notes.is_dead = True

        @asynccontextmanager
        async def alive() -> AsyncIterator[None]:
            world.notes.is_dead = False
            yield
            world.notes.is_dead = True

        return Stores(
            accounts=world.accounts,
            sessions=world.sessions,
            remembered=world.remembered,
            exports=world.exports,
            erasures=world.erasures,
            trail=world.trail,
            notes=world.notes,
            clock=world.clock,
            alive=alive,
        )
