"""The stores that unit tests run on pass the suite of the real ones."""

import pytest

from tests.unit.auth.doubles import (
    MemoryAccounts,
    MemoryChallenges,
    MemoryErasures,
    MemoryExports,
    MemoryRememberedBrowsers,
    MemoryResets,
    MemorySessions,
    MemoryTrail,
    MemoryTries,
)
from tests.unit.auth.mydata_suite import ErasuresSuite, ExportsSuite
from tests.unit.auth.stores_suite import (
    AccountsSuite,
    ChallengesSuite,
    RememberedBrowsersSuite,
    ResetsSuite,
    SessionsSuite,
    TrailSuite,
    TriesSuite,
)


class TestMemoryAccounts(AccountsSuite):
    @pytest.fixture
    def accounts(self) -> MemoryAccounts:
        return MemoryAccounts()


class TestMemoryResets(ResetsSuite):
    @pytest.fixture
    def resets(self) -> MemoryResets:
        return MemoryResets()


class TestMemorySessions(SessionsSuite):
    @pytest.fixture
    def sessions(self) -> MemorySessions:
        return MemorySessions()


class TestMemoryRememberedBrowsers(RememberedBrowsersSuite):
    @pytest.fixture
    def remembered(self) -> MemoryRememberedBrowsers:
        return MemoryRememberedBrowsers()


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
    def exports(self) -> MemoryExports:
        return MemoryExports()


class TestMemoryErasures(ErasuresSuite):
    @pytest.fixture
    def accounts(self) -> MemoryAccounts:
        return MemoryAccounts()

    @pytest.fixture
    def erasures(self, accounts: MemoryAccounts) -> MemoryErasures:
        return MemoryErasures(accounts)
