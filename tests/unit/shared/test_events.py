"""The envelope: what is written is read, and what is no event is refused by name."""

import json
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.auth import AccountVerified
from shared.events import Event, MalformedEvent, decode, encode
from shared.testing.clock import NOON

PLAIN: dict[str, Any] = {
    "specversion": "1.0", "id": "e-1", "source": "/auth", "type": "auth.account.verified.v1", "subject": "a-1",
    "time": "2026-11-22T03:00:00Z", "data": {"account_id": "a-1", "verified_at": "2026-11-22T03:00:00Z"},
}  # fmt: skip


def an_event() -> Event:
    return Event.of(AccountVerified(account_id="a-1", verified_at=NOON), id="e-1", subject="a-1", at=NOON)


def test_an_event_survives_the_journey() -> None:
    assert decode(encode(an_event())) == an_event()
    assert decode(encode(an_event())).read(AccountVerified).account_id == "a-1"


def test_another_library_reads_it_as_a_cloudevent() -> None:
    read = JSONFormat().read(CloudEvent, encode(an_event()))

    assert (read.get_id(), read.get_type(), read.get_subject()) == ("e-1", "auth.account.verified.v1", "a-1")
    assert read.get_time() == NOON


@pytest.mark.parametrize("missing", ["specversion", "id", "source", "type", "subject", "time", "data"])
def test_a_missing_attribute_is_named(missing: str) -> None:
    body = {name: value for name, value in PLAIN.items() if name != missing}

    with pytest.raises(MalformedEvent, match=missing):
        decode(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("name", "value"),
    [("specversion", "2.0"), ("type", "Nonsense"), ("time", "2026-11-22T03:00:00"), ("data", "text"), ("id", "")],
)
def test_a_malformed_attribute_is_named_and_its_value_is_not(name: str, value: str) -> None:
    with pytest.raises(MalformedEvent, match=name) as refused:
        decode(json.dumps(PLAIN | {name: value}).encode())

    assert value not in str(refused.value).removeprefix(name) or value in ("", "text")


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_cleanly(body: bytes) -> None:
    with pytest.raises(MalformedEvent):
        decode(body)


def test_reading_with_another_contract_is_refused() -> None:
    event = decode(json.dumps(PLAIN | {"type": "auth.account.registered.v1"}).encode())

    with pytest.raises(MalformedEvent):
        event.read(AccountVerified)


def test_data_that_does_not_fit_names_the_place() -> None:
    event = decode(json.dumps(PLAIN | {"data": {"account_id": 7}}).encode())

    with pytest.raises(MalformedEvent, match="verified_at"):
        event.read(AccountVerified)
