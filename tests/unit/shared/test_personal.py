import asyncio
import pickle
from dataclasses import replace

import pytest
from pydantic import BaseModel

from shared.errors import ErrorKind
from shared.keys import Key
from shared.metrics import DECRYPTIONS
from shared.personal import (
    REMEMBERED_PERSONS,
    BlindIndex,
    PersonalFields,
    PersonErased,
    PersonKey,
    Place,
    Tampered,
    WrappedKey,
    WrongShape,
    open_with,
    seal_with,
)
from shared.secrets import Secret
from shared.testing.datakeys import MemoryDataKeys
from shared.testing.keys import MemoryKeys
from shared.testing.suites.datakeys import DataKeysSuite

NAME = Place("orders", "name", "o-1")
SECRET = "Ada Lovelace"
DECRYPTIONS_OF_BOB = {"delivery": DECRYPTIONS.labels(purpose="delivery")}


class TestMemoryDataKeys(DataKeysSuite):
    @pytest.fixture
    def store(self) -> MemoryDataKeys:
        return MemoryDataKeys()


class Ticks:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class SlowDataKeys(MemoryDataKeys):
    """Answers a read with what it saw when asked, once `answer` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = asyncio.Event()
        self.asked = asyncio.Event()

    async def find(self, person_id: str) -> WrappedKey | None:
        found = await super().find(person_id)
        self.asked.set()
        await self.answer.wait()
        return found


class Address(BaseModel):
    line1: str
    postcode: str | None = None


@pytest.fixture
def keys() -> MemoryKeys:
    return MemoryKeys()


@pytest.fixture
def store() -> MemoryDataKeys:
    return MemoryDataKeys()


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def people(keys: MemoryKeys, store: MemoryDataKeys, ticks: Ticks) -> PersonalFields:
    return fields(keys, store, ticks)


def fields(keys: MemoryKeys, store: MemoryDataKeys, ticks: Ticks | None = None) -> PersonalFields:
    return PersonalFields(keys, store, purposes=["delivery", "receipt"], monotonic=ticks or Ticks())


def opened(person: PersonKey, box: bytes, at: Place = NAME) -> str:
    return person.open(box, at, purpose="delivery").decode()


def refuses(person: PersonKey, box: bytes, at: Place = NAME) -> bool:
    with pytest.raises(Tampered) as caught:
        opened(person, box, at)
    return SECRET not in str(caught.value)


async def test_what_was_sealed_opens_in_its_place(people: PersonalFields) -> None:
    person = await people.person("p-1")

    assert opened(person, person.seal(SECRET, NAME)) == SECRET
    assert person.open(person.seal(b"\x00\xff", NAME), NAME, purpose="delivery") == b"\x00\xff"
    assert opened(person, person.seal("", NAME)) == ""


async def test_a_box_shows_nothing_and_differs_each_time(people: PersonalFields) -> None:
    person = await people.person("p-1")

    boxes = {person.seal(SECRET, NAME) for _ in range(100)}

    assert len(boxes) == 100
    assert {(box[0], len(box)) for box in boxes} == {(1, 1 + 12 + len(SECRET) + 16)}
    assert not any(SECRET.encode() in box for box in boxes)


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place("orders", "name", "o-2"),
        Place("orders", "email", "o-1"),
        Place("claims", "name", "o-1"),
        Place("orders", "nameo", "-1"),
        Place("ordersname", "", "o-1"),
    ],
)
async def test_a_box_moved_elsewhere_is_refused(people: PersonalFields, elsewhere: Place) -> None:
    person = await people.person("p-1")

    assert refuses(person, person.seal(SECRET, NAME), elsewhere)


async def test_a_box_of_another_person_is_refused(people: PersonalFields) -> None:
    ada, bob = await people.person("ada"), await people.person("bob")

    assert refuses(bob, ada.seal(SECRET, NAME))


async def test_a_box_does_not_move_to_a_person_with_the_same_key() -> None:
    ada, bob = PersonKey("ada", b"k" * 32, {}), PersonKey("bob", b"k" * 32, DECRYPTIONS_OF_BOB)

    assert refuses(bob, ada.seal(SECRET, NAME))


async def test_every_changed_byte_is_refused(people: PersonalFields) -> None:
    person = await people.person("p-1")
    box = person.seal(SECRET, NAME)

    changed = [box[:i] + bytes([box[i] ^ 1]) + box[i + 1 :] for i in range(len(box))]

    assert all(refuses(person, box) for box in changed)


async def test_every_cut_or_longer_box_is_refused(people: PersonalFields) -> None:
    person = await people.person("p-1")
    box = person.seal(SECRET, NAME)

    assert all(refuses(person, box[:size]) for size in range(len(box)))
    assert refuses(person, box + b"\0")


async def test_opening_asks_for_a_declared_purpose(people: PersonalFields) -> None:
    person = await people.person("p-1")
    box = person.seal(SECRET, NAME)

    with pytest.raises(ValueError, match="declared purpose"):
        person.open(box, NAME, purpose="curiosity")


async def test_openings_are_counted_by_purpose(people: PersonalFields) -> None:
    person = await people.person("p-1")
    before = {purpose: DECRYPTIONS.labels(purpose=purpose)._value.get() for purpose in ("delivery", "receipt")}

    box = person.seal(SECRET, NAME)
    person.open(box, NAME, purpose="receipt")
    person.open(box, NAME, purpose="receipt")
    assert refuses(person, box[:-1])

    after = {purpose: DECRYPTIONS.labels(purpose=purpose)._value.get() for purpose in ("delivery", "receipt")}
    assert {purpose: after[purpose] - before[purpose] for purpose in after} == {"delivery": 0, "receipt": 2}


async def test_a_model_is_kept_whole(people: PersonalFields) -> None:
    person = await people.person("p-1")
    address = Address(line1="1 Main Street", postcode="150-0001")

    box = person.seal_model(address, NAME)

    assert person.open_model(Address, box, NAME, purpose="delivery") == address


async def test_a_model_of_another_shape_is_refused_unseen(people: PersonalFields) -> None:
    person = await people.person("p-1")
    box = person.seal('{"line1": 1, "name": "Ada Lovelace"}', NAME)

    with pytest.raises(WrongShape) as caught:
        person.open_model(Address, box, NAME, purpose="delivery")

    assert SECRET not in f"{caught.value} {caught.value.__cause__}"
    assert caught.value.__suppress_context__


async def test_a_new_person_needs_no_store_until_the_caller_stores(
    people: PersonalFields, store: MemoryDataKeys
) -> None:
    person, wrapped = people.new_person("p-1")
    box = person.seal(SECRET, NAME)
    assert (store.reads, store.stored) == (0, {})

    await store.add(wrapped)

    assert opened(await people.known("p-1"), box) == SECRET


async def test_known_does_not_make_a_person(people: PersonalFields, store: MemoryDataKeys) -> None:
    with pytest.raises(PersonErased) as caught:
        await people.known("p-1")

    assert caught.value.kind is ErrorKind.GONE
    assert store.stored == {}


async def test_the_first_of_two_at_once_wins(keys: MemoryKeys, store: MemoryDataKeys) -> None:
    first, second = fields(keys, store), fields(keys, store)

    ada, also_ada = await asyncio.gather(first.person("ada"), second.person("ada"))

    assert opened(also_ada, ada.seal(SECRET, NAME)) == SECRET


async def test_an_erased_person_is_unreadable_here_at_once(people: PersonalFields, store: MemoryDataKeys) -> None:
    await people.person("p-1")

    assert await people.erase("p-1") is True
    assert await people.erase("p-1") is False

    for ask in (people.known, people.person):
        with pytest.raises(PersonErased):
            await ask("p-1")
    assert store.stored == {}


async def test_a_person_who_was_never_known_can_be_erased_beforehand(people: PersonalFields) -> None:
    assert await people.erase("p-1") is False

    with pytest.raises(PersonErased):
        await people.person("p-1")


async def test_a_key_put_back_beside_its_tombstone_opens_nothing(people: PersonalFields, store: MemoryDataKeys) -> None:
    await people.person("p-1")
    dump = dict(store.stored)
    await people.erase("p-1")

    store.stored |= dump

    for ask in (people.known, people.person):
        with pytest.raises(PersonErased):
            await ask("p-1")
    assert await store.find_many(["p-1"]) == {}


async def test_an_erasure_elsewhere_takes_effect_within_five_seconds(
    people: PersonalFields, store: MemoryDataKeys, keys: MemoryKeys, ticks: Ticks
) -> None:
    await people.person("p-1")
    await fields(keys, store).erase("p-1")

    ticks.now += 5.0

    with pytest.raises(PersonErased):
        await people.known("p-1")


async def test_use_does_not_keep_a_key_fresh(people: PersonalFields, store: MemoryDataKeys, ticks: Ticks) -> None:
    await people.person("p-1")
    await store.remove("p-1")

    for _ in range(4):
        ticks.now += 1.0
        await people.known("p-1")
    ticks.now += 1.0

    with pytest.raises(PersonErased):
        await people.known("p-1")


async def test_a_key_is_read_once_while_fresh(people: PersonalFields, store: MemoryDataKeys) -> None:
    await people.person("p-1")
    reads = store.reads

    for _ in range(10):
        await people.person("p-1")

    assert store.reads == reads


async def test_a_read_that_an_erasure_overtakes_is_not_remembered(keys: MemoryKeys) -> None:
    store = SlowDataKeys()
    store.answer.set()
    people = fields(keys, store)
    await store.add(people.new_person("p-1")[1])
    store.answer.clear()
    store.asked.clear()

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(people.known("p-1"))
        await store.asked.wait()
        await people.erase("p-1")
        store.answer.set()
        await reading

    with pytest.raises(PersonErased):
        await people.known("p-1")


async def test_an_erasure_with_unknown_outcome_is_forgotten_here(keys: MemoryKeys) -> None:
    class Failing(MemoryDataKeys):
        async def remove(self, person_id: str) -> bool:
            await super().remove(person_id)
            raise TimeoutError

    people = fields(keys, Failing())
    await people.person("p-1")

    with pytest.raises(TimeoutError):
        await people.erase("p-1")

    with pytest.raises(PersonErased):
        await people.known("p-1")


async def test_only_so_many_persons_are_remembered(people: PersonalFields, store: MemoryDataKeys) -> None:
    for number in range(REMEMBERED_PERSONS + 1):
        await store.add(people.new_person(f"p-{number}")[1])
        await people.known(f"p-{number}")
    reads = store.reads

    await people.known(f"p-{REMEMBERED_PERSONS}")
    await people.known("p-1")
    assert store.reads == reads
    await people.known("p-0")

    assert store.reads == reads + 1


async def test_rotation_leaves_old_keys_readable(people: PersonalFields, keys: MemoryKeys, ticks: Ticks) -> None:
    box = (await people.person("old")).seal(SECRET, NAME)
    keys.rotate("fields")
    ticks.now += 5

    _, wrapped = people.new_person("new")

    assert wrapped.kek_version == 2
    assert opened(await people.known("old"), box) == SECRET


async def test_a_rewrapped_key_needs_the_old_version_no_more(
    people: PersonalFields, keys: MemoryKeys, store: MemoryDataKeys, ticks: Ticks
) -> None:
    box = (await people.person("p-1")).seal(SECRET, NAME)
    assert not people.is_outdated(store.stored["p-1"])
    keys.rotate("fields")
    assert people.is_outdated(store.stored["p-1"])

    store.stored["p-1"] = people.rewrap(store.stored["p-1"])
    keys.forget("fields", 1)
    ticks.now += 5

    assert not people.is_outdated(store.stored["p-1"])
    assert opened(await people.known("p-1"), box) == SECRET


async def test_a_lost_wrapping_key_is_named(people: PersonalFields, keys: MemoryKeys, store: MemoryDataKeys) -> None:
    await store.add(people.new_person("p-1")[1])
    keys.rotate("fields")
    keys.forget("fields", 1)

    with pytest.raises(Tampered, match="version 1 of key 'fields'"):
        await people.known("p-1")


async def test_a_changed_wrapped_key_is_refused(people: PersonalFields, keys: MemoryKeys) -> None:
    _, wrapped = people.new_person("p-1")
    keys.rotate("fields")
    changed = [replace(wrapped, kek_version=2), replace(wrapped, person_id="p-2"), replace(wrapped, box=b"")]
    changed += [
        replace(wrapped, box=wrapped.box[:i] + bytes([wrapped.box[i] ^ 3]) + wrapped.box[i + 1 :])
        for i in range(len(wrapped.box))
    ]

    for other in changed:
        with pytest.raises(Tampered):
            people.rewrap(other)


async def test_a_key_stored_under_another_person_is_refused(people: PersonalFields, store: MemoryDataKeys) -> None:
    store.stored["bob"] = people.new_person("ada")[1]

    with pytest.raises(Tampered):
        await people.known("bob")


async def test_a_person_key_is_neither_printed_nor_pickled(people: PersonalFields) -> None:
    person = await people.person("p-1")

    assert repr(person).startswith("<shared.personal.PersonKey object")
    with pytest.raises(TypeError):
        pickle.dumps(person)


def test_a_value_under_its_own_key_opens_in_its_place(keys: MemoryKeys) -> None:
    box = seal_with(keys.current("card"), "424242|4242", NAME)
    keys.rotate("card")

    assert open_with(keys, "card", box, NAME) == b"424242|4242"
    assert box[:5] == b"\x02\x00\x00\x00\x01"


def test_opening_with_a_key_is_counted(keys: MemoryKeys) -> None:
    before = DECRYPTIONS.labels(purpose="card")._value.get()

    open_with(keys, "card", seal_with(keys.current("card"), "x", NAME), NAME)

    assert DECRYPTIONS.labels(purpose="card")._value.get() == before + 1


def test_a_value_under_its_own_key_does_not_open_elsewhere(keys: MemoryKeys) -> None:
    box = seal_with(keys.current("card"), SECRET, NAME)
    same = MemoryKeys()
    same.put(Key("fields", 1, keys.get("card", 1).secret))
    keys.rotate("card")
    others = [box[:i] + bytes([box[i] ^ 3]) + box[i + 1 :] for i in range(len(box))]

    for provider, purpose, other, place in [
        (keys, "card", box, Place("orders", "name", "o-2")),
        (keys, "fields", box, NAME),
        (same, "fields", box, NAME),
        *((keys, "card", other, NAME) for other in [*others, b"", box[:5], box[:-1], box + b"\0"]),
    ]:
        with pytest.raises(Tampered) as caught:
            open_with(provider, purpose, other, place)
        assert SECRET not in str(caught.value)


def test_a_blind_index_is_the_same_for_the_same_value() -> None:
    index = BlindIndex(Key("index", 1, Secret(b"k" * 32)))

    assert index.of("email", "ada@example.com") == index.of("email", "ada@example.com")
    assert len(index.of("email", "ada@example.com")) == 64


def test_a_blind_index_differs_by_value_field_and_key() -> None:
    index, other = BlindIndex(Key("index", 1, Secret(b"k" * 32))), BlindIndex(Key("index", 1, Secret(b"x" * 32)))

    hashes = [index.of("email", "a"), index.of("email", "b"), index.of("emai", "la"), other.of("email", "a")]

    assert len(set(hashes)) == len(hashes)
