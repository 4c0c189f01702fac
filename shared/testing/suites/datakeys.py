"""What every `DataKeys` store must do."""
# ruff: noqa: D102 - the name of a test is its sentence

import asyncio
from abc import ABC, abstractmethod
from typing import Protocol

import pytest

from shared.personal import DataKeys, PersonalFields, Place, WrappedKey
from shared.rewrapping import Rewrappable
from shared.testing.keys import MemoryKeys

PLACE = Place("orders", "name", "o-1")


def a_wrapped_key(person_id: str = "p-1", box: bytes = b"\x00\x01box\xff") -> WrappedKey:
    """Any bytes will do: a store does not look into them."""
    return WrappedKey(person_id, kek_version=3, box=box)


class RewrappableKeys(DataKeys, Rewrappable, Protocol):
    """A store that the commands, too, can work on, as all of ours are."""


class DataKeysSuite(ABC):
    """Inherit from it and say in a fixture `store` how to make an empty store."""

    @pytest.fixture
    @abstractmethod
    def store(self) -> RewrappableKeys:
        """An empty store."""

    async def test_what_was_added_is_found_as_it_was(self, store: DataKeys) -> None:
        await store.add(a_wrapped_key())

        assert await store.find("p-1") == a_wrapped_key()

    async def test_an_unknown_person_has_no_key(self, store: DataKeys) -> None:
        await store.add(a_wrapped_key("p-1"))

        assert await store.find("p-2") is None

    async def test_the_first_key_of_a_person_stays(self, store: DataKeys) -> None:
        await store.add(a_wrapped_key(box=b"first"))
        await store.add(a_wrapped_key(box=b"second"))

        found = await store.find("p-1")
        assert found is not None
        assert found.box == b"first"

    async def test_of_many_at_once_one_wins(self, store: DataKeys) -> None:
        boxes = [bytes([number]) for number in range(20)]

        await asyncio.gather(*(store.add(a_wrapped_key(box=box)) for box in boxes))

        found = [await store.find("p-1") for _ in boxes]
        assert found[0] is not None
        assert found[0].box in boxes
        assert found == [found[0]] * len(boxes)

    async def test_a_removed_key_is_gone(self, store: DataKeys) -> None:
        await store.add(a_wrapped_key("p-1"))
        await store.add(a_wrapped_key("p-2"))

        assert await store.remove("p-1") is True
        assert await store.remove("p-1") is False
        assert await store.find("p-1") is None
        assert await store.find("p-2") == a_wrapped_key("p-2")

    async def test_nobody_adds_a_key_for_who_was_erased(self, store: DataKeys) -> None:
        await store.add(a_wrapped_key("known"))
        for person_id in ("known", "never-seen"):
            await store.remove(person_id)

            await store.add(a_wrapped_key(person_id, box=b"late"))

            assert await store.find(person_id) is None
            assert await store.remove(person_id) is False

    async def test_who_is_erased_and_added_at_once_ends_erased(self, store: DataKeys) -> None:
        persons = [f"p-{number}" for number in range(20)]

        adding = [store.add(a_wrapped_key(person_id)) for person_id in persons]
        await asyncio.gather(*adding, *(store.remove(person_id) for person_id in persons))

        assert [await store.find(person_id) for person_id in persons] == [None] * len(persons)

    async def test_of_many_erasures_at_once_one_dropped_the_key(self, store: DataKeys) -> None:
        await store.add(a_wrapped_key())

        dropped = await asyncio.gather(*(store.remove("p-1") for _ in range(8)))

        assert sorted(dropped) == [False] * 7 + [True]
        assert sum(await asyncio.gather(*(store.remove("p-2") for _ in range(8)))) == 0

    async def test_a_withdrawn_key_was_never_there(self, store: DataKeys) -> None:
        await store.add(a_wrapped_key(box=b"first"))

        await store.withdraw("p-1")
        await store.add(a_wrapped_key(box=b"second"))

        assert await store.find("p-1") == a_wrapped_key(box=b"second")

    async def test_withdrawing_leaves_the_erased_erased(self, store: DataKeys) -> None:
        await store.remove("p-1")

        await store.withdraw("p-1")
        await store.add(a_wrapped_key())

        assert await store.find("p-1") is None

    async def test_many_are_found_at_once_without_the_erased(self, store: DataKeys) -> None:
        for person_id in ("p-1", "p-2", "p-3"):
            await store.add(a_wrapped_key(person_id))
        await store.remove("p-2")

        found = await store.find_many(["p-1", "p-2", "p-4", "p-3"])

        assert found == {person_id: a_wrapped_key(person_id) for person_id in ("p-1", "p-3")}

    async def test_outdated_keys_are_listed_in_order_and_in_batches(self, store: RewrappableKeys) -> None:
        for number in range(7):
            await store.add(WrappedKey(f"p-{number}", kek_version=1 + number % 2, box=b"box"))
        await store.remove("p-2")

        first = await store.outdated(2, after="", limit=2)
        rest = await store.outdated(2, after="p-4", limit=10)

        assert [key.person_id for key in first] == ["p-0", "p-4"]
        assert [key.person_id for key in rest] == ["p-6"]
        assert await store.versions() == {1: 3, 2: 3}
        assert await store.outdated(1, after="", limit=10) == []

    async def test_a_key_is_exchanged_only_for_the_one_that_was_seen(self, store: RewrappableKeys) -> None:
        seen = [a_wrapped_key(f"p-{number}") for number in range(4)]
        for wrapped in seen[:3]:
            await store.add(wrapped)
        await store.remove("p-1")
        pairs = [(old, WrappedKey(old.person_id, kek_version=4, box=b"new")) for old in seen]

        assert await store.exchange(pairs) == 2
        assert await store.exchange(pairs) == 0
        assert [await store.find(old.person_id) for old in seen] == [pairs[0][1], None, pairs[2][1], None]
        with pytest.raises(ValueError, match="keeps its person"):
            await store.exchange([(seen[0], a_wrapped_key("p-2"))])

    async def test_two_processes_seal_for_a_new_person_under_one_key(self, store: DataKeys) -> None:
        keys = MemoryKeys()
        processes = [PersonalFields(keys, store, purposes=["delivery"]) for _ in range(8)]

        persons = await asyncio.gather(*(process.person("p-1") for process in processes))

        boxes = [person.seal("Ada", PLACE) for person in persons]
        assert [persons[0].open(box, PLACE, purpose="delivery") for box in boxes] == [b"Ada"] * len(boxes)
