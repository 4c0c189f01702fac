"""What every `KeyProvider` must do."""
# ruff: noqa: D102 - the name of a test is its sentence

from abc import ABC, abstractmethod
from typing import Protocol

import pytest

from shared.keys import Key, KeyProvider, UnknownKey


class RotatingKeys(KeyProvider, Protocol):
    """A provider that can also make keys, as all of ours do."""

    def rotate(self, purpose: str) -> Key:
        """Make the next version."""


class KeyProviderSuite(ABC):
    """Inherit from it and say in a fixture `provider` how to make an empty provider."""

    @pytest.fixture
    @abstractmethod
    def provider(self) -> RotatingKeys:
        """An empty provider."""

    def test_the_highest_version_is_current(self, provider: RotatingKeys) -> None:
        for _ in range(12):
            newest = provider.rotate("fields")

        assert newest.version == 12
        assert provider.current("fields") == newest

    def test_old_versions_stay_readable(self, provider: RotatingKeys) -> None:
        first = provider.rotate("fields")
        provider.rotate("fields")

        assert provider.get("fields", 1) == first
        assert provider.versions("fields") == [1, 2]

    def test_every_key_is_32_bytes_of_its_own(self, provider: RotatingKeys) -> None:
        keys = [provider.rotate("fields"), provider.rotate("fields"), provider.rotate("card")]

        assert {len(key.secret.reveal()) for key in keys} == {32}
        assert len({key.secret.reveal() for key in keys}) == 3

    def test_purposes_are_counted_apart(self, provider: RotatingKeys) -> None:
        provider.rotate("fields")
        provider.rotate("fields")

        assert provider.rotate("card").version == 1

    def test_no_key_yet_is_an_error_and_an_empty_list(self, provider: RotatingKeys) -> None:
        assert provider.versions("card") == []
        with pytest.raises(UnknownKey):
            provider.current("card")

    def test_a_missing_version_is_unknown(self, provider: RotatingKeys) -> None:
        provider.rotate("card")

        with pytest.raises(UnknownKey):
            provider.get("card", 2)

    @pytest.mark.parametrize("purpose", ["", "no-such-purpose", "../fields"])
    def test_an_undeclared_purpose_is_unknown(self, provider: RotatingKeys, purpose: str) -> None:
        with pytest.raises(UnknownKey):
            provider.current(purpose)
        with pytest.raises(UnknownKey):
            provider.rotate(purpose)

    def test_the_list_of_versions_is_the_callers_own(self, provider: RotatingKeys) -> None:
        provider.rotate("card")

        provider.versions("card").clear()

        assert provider.versions("card") == [1]
