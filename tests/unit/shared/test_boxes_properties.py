"""What holds for every value and every place, not only for those that somebody thought of."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from shared.boxes import bind
from shared.events import Event, SealedBox
from shared.metrics import DECRYPTIONS
from shared.personal import PersonKey, Place, Tampered, open_with, seal_with
from shared.sealing import CannotOpen
from shared.testing.keys import MemoryKeys
from shared.testing.sealing import MemorySealing

COUNTERS = {"delivery": DECRYPTIONS.labels(purpose="delivery")}
KEYS = MemoryKeys(["card"])
SEALING = MemorySealing("mailer", "warranty")
READERS = ("mailer", "warranty")

texts = st.text(max_size=200)
names = st.text(max_size=8)
places = st.builds(Place, collection=names, field=names, document_id=names)
secrets = st.binary(min_size=32, max_size=32)
envelopes = st.tuples(names, names, names)
"""Type and id of an event, and the field."""


def for_all(**strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`given`, without a time limit for each example: the machine may be busy."""
    return lambda test: settings(deadline=None)(given(**strategies)(test))


class Value(BaseModel):
    text: str


def flipped(box: bytes, bit: int) -> bytes:
    at, mask = divmod(bit % (8 * len(box)), 8)
    return box[:at] + bytes([box[at] ^ (1 << mask)]) + box[at + 1 :]


def person_key(person_id: str, secret: bytes = b"k" * 32) -> PersonKey:
    return PersonKey(person_id, secret, COUNTERS)


def opened(person: PersonKey, box: bytes, at: Place) -> bytes:
    return person.open(box, at, purpose="delivery")


@for_all(value=st.binary(max_size=2000), at=places, person_id=names, secret=secrets)
def test_every_value_comes_back(value: bytes, at: Place, person_id: str, secret: bytes) -> None:
    person = person_key(person_id, secret)

    assert opened(person, person.seal(value, at), at) == value


@for_all(value=texts, at=places, bit=st.integers(min_value=0))
def test_no_bit_of_a_persons_box_may_flip(value: str, at: Place, bit: int) -> None:
    person = person_key("p-1")
    box = person.seal(value, at)

    with pytest.raises(Tampered):
        opened(person, flipped(box, bit), at)


@for_all(value=texts, here=places, there=places)
def test_no_box_opens_in_another_place(value: str, here: Place, there: Place) -> None:
    assume(here != there)
    person = person_key("p-1")

    with pytest.raises(Tampered):
        opened(person, person.seal(value, here), there)


@for_all(value=texts, at=places, one=names, other=names)
def test_no_box_opens_for_another_person_even_under_the_same_key(value: str, at: Place, one: str, other: str) -> None:
    assume(one != other)

    with pytest.raises(Tampered):
        opened(person_key(other), person_key(one).seal(value, at), at)


@for_all(box=st.binary(max_size=100), at=places)
def test_no_other_bytes_are_a_box(box: bytes, at: Place) -> None:
    with pytest.raises(Tampered):
        opened(person_key("p-1"), box, at)
    with pytest.raises(Tampered):
        open_with(KEYS, "card", box, at)


@for_all(value=texts, here=places, there=places, bit=st.integers(min_value=0))
def test_a_box_under_its_own_key_is_bound_likewise(value: str, here: Place, there: Place, bit: int) -> None:
    assume(here != there)
    box = seal_with(KEYS.current("card"), value, here)

    assert open_with(KEYS, "card", box, here) == value.encode()
    with pytest.raises(Tampered):
        open_with(KEYS, "card", box, there)
    with pytest.raises(Tampered):
        open_with(KEYS, "card", flipped(box, bit), here)


@for_all(one=st.lists(names, max_size=4), other=st.lists(names, max_size=4))
def test_no_two_lists_are_bound_alike(one: list[str], other: list[str]) -> None:
    assert (bind(*one) == bind(*other)) == (one == other)


def an_event(envelope: tuple[str, str, str]) -> Event:
    return Event(
        id=envelope[1], type=envelope[0], source="auth", subject="s", time=datetime(2026, 1, 1, tzinfo=UTC), data={}
    )


def sealed(text: str, envelope: tuple[str, str, str], reader: str = "mailer") -> SealedBox:
    type_, id_, field = envelope
    return SEALING.sealer.seal(reader, Value(text=text), event_type=type_, event_id=id_, field=field)


def unsealed(box: SealedBox, envelope: tuple[str, str, str], reader: str = "mailer") -> str:
    unsealer = SEALING.unsealer(reader)
    return unsealer.open(Value, {reader: box}, event=an_event(envelope), field=envelope[2]).text


@for_all(text=texts, envelope=envelopes, reader=st.sampled_from(READERS))
def test_every_sealed_value_comes_back(text: str, envelope: tuple[str, str, str], reader: str) -> None:
    assert unsealed(sealed(text, envelope, reader), envelope, reader) == text


@for_all(text=texts, here=envelopes, there=envelopes)
def test_no_sealed_value_opens_in_another_event_or_field(
    text: str, here: tuple[str, str, str], there: tuple[str, str, str]
) -> None:
    assume(here != there)

    with pytest.raises(CannotOpen):
        unsealed(sealed(text, here), there)


@for_all(text=texts, envelope=envelopes, bit=st.integers(min_value=0))
def test_no_bit_of_a_sealed_value_may_flip(text: str, envelope: tuple[str, str, str], bit: int) -> None:
    box = sealed(text, envelope)
    raw = base64.urlsafe_b64decode(box.box + "=" * (-len(box.box) % 4))
    other = base64.urlsafe_b64encode(flipped(raw, bit)).rstrip(b"=").decode()

    with pytest.raises(CannotOpen):
        unsealed(SealedBox(kid=box.kid, box=other), envelope)


@for_all(text=texts, envelope=envelopes)
def test_no_sealed_value_opens_for_another_reader(text: str, envelope: tuple[str, str, str]) -> None:
    box = sealed(text, envelope)

    for kid in (box.kid, "warranty-1"):
        with pytest.raises(CannotOpen):
            unsealed(SealedBox(kid=kid, box=box.box), envelope, "warranty")


@for_all(kid=st.text(max_size=20), box=st.text(max_size=120))
def test_no_other_text_is_a_sealed_value(kid: str, box: str) -> None:
    for name in (kid, "mailer-1"):
        with pytest.raises(CannotOpen):
            unsealed(SealedBox(kid=name, box=box), ("t", "i", "f"))
