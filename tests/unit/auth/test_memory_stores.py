"""The stores that unit tests run on pass the suite of the real ones."""

import pytest

from tests.unit.auth.doubles import MemoryAccounts, MemoryRememberedBrowsers, MemorySessions, MemoryTries
from tests.unit.auth.stores_suite import AccountsSuite, RememberedBrowsersSuite, SessionsSuite, TriesSuite


class TestMemoryAccounts(AccountsSuite):
    @pytest.fixture
    def accounts(self) -> MemoryAccounts:
        return MemoryAccounts()


class TestMemorySessions(SessionsSuite):
    @pytest.fixture
    def sessions(self) -> MemorySessions:
        return MemorySessions()


class TestMemoryRememberedBrowsers(RememberedBrowsersSuite):
    @pytest.fixture
    def remembered(self) -> MemoryRememberedBrowsers:
        return MemoryRememberedBrowsers()


class TestMemoryTries(TriesSuite):
    @pytest.fixture
    def tries(self) -> MemoryTries:
        return MemoryTries()
