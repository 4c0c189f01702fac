"""Every event as last released: today's publishers still write it, and today's readers still read it.

`released/<type>.schema.json` and `<type>.example.json` are frozen when an event is first released. Never edit them to
make a test pass: add a version.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from shared.contracts import CONTRACTS
from shared.contracts.__main__ import write
from shared.contracts.schema import asyncapi, beyond_older_readers, data_schema, incompatibilities, reading_schema
from shared.events import Event, decode, encode
from shared.testing.clock import NOON
from shared.topology import SERVICES, STREAMS

HERE = Path(__file__).parent
RELEASED = sorted(path.name.removesuffix(".example.json") for path in (HERE / "released").glob("*.example.json"))


READERS_FIRST = {
    "auth.message.requested.v1": (
        "/template: the release does not take data-ready, email-approve, email-changed, email-confirm, erased, "
        "password-changed, second-factor-changed"
    ),
}
"""What an older reader puts among its dead letters, to be replayed: its service is upgraded before the publisher."""


def load(name: str) -> Any:
    return json.loads((HERE / "released" / name).read_text("utf-8"))


def test_every_event_has_been_released() -> None:
    assert sorted(CONTRACTS) == RELEASED


@pytest.mark.parametrize("type_", RELEASED)
def test_todays_readers_accept_everything_that_was_released(type_: str) -> None:
    assert incompatibilities(load(f"{type_}.schema.json"), reading_schema(CONTRACTS[type_])) == []


@pytest.mark.parametrize("type_", RELEASED)
def test_the_released_example_is_read_and_written_again_without_loss(type_: str) -> None:
    example = load(f"{type_}.example.json")

    event = decode(json.dumps(example).encode())
    contract = event.read(CONTRACTS[type_])
    written = Event.of(contract, id=event.id, subject=event.subject, at=event.time)

    assert example["data"].items() <= json.loads(encode(written))["data"].items()
    Draft202012Validator(data_schema(CONTRACTS[type_])).validate(json.loads(encode(written))["data"])


@pytest.mark.parametrize("type_", RELEASED)
def test_readers_of_the_release_accept_what_todays_publishers_write(type_: str) -> None:
    released, today = load(f"{type_}.schema.json"), data_schema(CONTRACTS[type_])
    written = Event.of(
        decode(json.dumps(load(f"{type_}.example.json")).encode()).read(CONTRACTS[type_]),
        id="1", subject="s", at=NOON,
    )  # fmt: skip

    assert beyond_older_readers(released, today) == ([READERS_FIRST[type_]] if type_ in READERS_FIRST else [])
    Draft202012Validator(released).validate(json.loads(encode(written))["data"])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda s: s["required"].remove("number"), "no longer always written"),
        (lambda s: s["properties"]["total_minor"].update(type="string"), "type changed"),
        (lambda s: s["$defs"]["PurchasedItem"]["properties"]["sku"].update(type="integer"), "type changed"),
        (lambda s: s["properties"]["total_minor"].update(anyOf=[]), "anyOf changed"),
    ],
)
def test_what_an_older_reader_would_refuse_is_seen(change: Any, word: str) -> None:
    released = reading_schema(CONTRACTS["orders.purchase.completed.v1"])
    today = json.loads(json.dumps(data_schema(CONTRACTS["orders.purchase.completed.v1"])))
    assert beyond_older_readers(released, today) == []
    change(today)

    assert any(word in line for line in beyond_older_readers(released, today))


@pytest.mark.parametrize("type_", RELEASED)
def test_an_unknown_field_does_not_disturb_a_reader(type_: str) -> None:
    example = load(f"{type_}.example.json")
    known = decode(json.dumps(example).encode()).read(CONTRACTS[type_])

    example["data"]["added_by_a_later_release"] = {"x": 1}

    assert decode(json.dumps(example).encode()).read(CONTRACTS[type_]) == known


def test_the_asyncapi_document_is_valid() -> None:
    official = json.loads((HERE / "asyncapi-3.0.0.schema.json").read_text("utf-8"))

    errors = [error.message for error in Draft7Validator(official).iter_errors(asyncapi())]

    assert errors == []


def test_the_published_documents_are_those_of_the_code(tmp_path: Path) -> None:
    write(tmp_path)

    docs = HERE.parents[1] / "docs" / "events"
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {p.name: p.read_text() for p in docs.glob("*.json")}


def test_every_queue_is_bound_to_released_events_and_read_by_a_service() -> None:
    assert {stream.service for stream in STREAMS} <= set(SERVICES)
    assert {type_ for stream in STREAMS for type_ in stream.types} <= set(CONTRACTS)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda s: s["properties"].pop("number"), "removed"),
        (lambda s: s["properties"].update(gift={"type": "string"}) or s["required"].append("gift"), "required"),
        (lambda s: s["properties"]["total_minor"].update(type="string"), "type changed"),
        (lambda s: s["required"].append("language"), "was optional"),
        (lambda s: s["$defs"]["PurchasedItem"]["properties"].pop("sku"), "removed"),
    ],
)
def test_a_change_that_would_break_a_reader_is_seen(change: Any, word: str) -> None:
    released = reading_schema(CONTRACTS["orders.purchase.completed.v1"])
    today = json.loads(json.dumps(released))
    change(today)

    assert any(word in line for line in incompatibilities(released, today))
