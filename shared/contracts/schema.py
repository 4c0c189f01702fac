"""The contracts as documents: JSON Schema 2020-12 of each event's data, AsyncAPI 3.0 of all, and what is compatible.

Fields may be added with a default; anything else is a new version of the event, published beside the old one.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from shared import topology
from shared.contracts import CONTRACTS
from shared.events import CONTENT_TYPE, Contract

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def data_schema(contract: type[Contract]) -> dict[str, Any]:
    """JSON Schema of an event's `data` as publishers write it: every field is there."""
    schema = contract.model_json_schema(mode="serialization")
    return {"$schema": DIALECT, "$id": f"urn:padlock:event:{contract.TYPE}", **schema}


def reading_schema(contract: type[Contract]) -> dict[str, Any]:
    """JSON Schema of what readers accept: fields with a default may be missing."""
    return contract.model_json_schema(mode="validation")


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0.0 document of the bus: one channel for each event type, who sends it, who receives it."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Padlock events", "version": "1", "description": "CloudEvents 1.0 on RabbitMQ."},
        "defaultContentType": CONTENT_TYPE,
        "channels": {type_: _channel(type_) for type_ in CONTRACTS},
        "operations": dict(_operations()),
        "components": {"messages": {type_: _message(contract) for type_, contract in CONTRACTS.items()}},
    }


def incompatibilities(released: Mapping[str, Any], today: Mapping[str, Any], place: str = "") -> list[str]:
    """What today's reading schema would refuse of the released one's documents, in words; empty is compatible."""
    old, new = _properties(released), _properties(today)
    found = [f"{place}/{name}: removed" for name in old if name not in new]
    found += [f"{place}/{name}: new and required" for name in today.get("required", ()) if name not in old]
    found += [
        f"{place}/{name}: was optional, is required"
        for name in today.get("required", ())
        if name in old and name not in released.get("required", ())
    ]
    for name in old.keys() & new.keys():
        found += _changes(old[name], new[name], f"{place}/{name}")
    for name, definition in released.get("$defs", {}).items():
        if name in today.get("$defs", {}):
            found += incompatibilities(definition, today["$defs"][name], f"{place}/$defs/{name}")
    return found


def beyond_older_readers(released: Mapping[str, Any], today: Mapping[str, Any], place: str = "") -> list[str]:
    """What today's publishers may write that readers of the release would refuse, in words; empty is compatible.

    Args:
        released: the reading schema of then.
        today: the writing schema (`data_schema`).
        place: where in the document.
    """
    old, new = _properties(released), _properties(today)
    always = today.get("required", ())
    found = [f"{place}/{name}: no longer always written" for name in released.get("required", ()) if name not in always]
    for name in old.keys() & new.keys():
        found += _changes(new[name], old[name], f"{place}/{name}", gone="the release does not take")
    for name, definition in released.get("$defs", {}).items():
        if name in today.get("$defs", {}):
            found += beyond_older_readers(definition, today["$defs"][name], f"{place}/$defs/{name}")
    return found


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], place: str, *, gone: str = "no longer takes") -> list[str]:
    meaning = ("type", "format", "$ref", "items", "prefixItems", "anyOf", "additionalProperties", "const")
    found = [f"{place}: {key} changed" for key in meaning if old.get(key) != new.get(key)]
    lost = set(map(str, old.get("enum", ()))) - set(map(str, new.get("enum", ())))
    if lost and "enum" in new:
        found.append(f"{place}: {gone} {', '.join(sorted(lost))}")
    return found


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    return properties


def _channel(type_: str) -> dict[str, Any]:
    return {
        "address": type_,
        "description": f"Routing key on the topic exchange {topology.EXCHANGE}.",
        "messages": {type_: {"$ref": f"#/components/messages/{type_}"}},
    }


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for type_ in CONTRACTS:
        yield f"{type_.partition('.')[0]}.sends.{type_}", _operation("send", type_)
    for stream in topology.STREAMS:
        for type_ in stream.types:
            yield f"{stream.queue}.receives.{type_}", _operation("receive", type_)


def _operation(action: str, type_: str) -> dict[str, Any]:
    channel = f"#/channels/{type_}"
    return {"action": action, "channel": {"$ref": channel}, "messages": [{"$ref": f"{channel}/messages/{type_}"}]}


def _message(contract: type[Contract]) -> dict[str, Any]:
    schema = data_schema(contract)
    return {
        "name": contract.TYPE,
        "contentType": CONTENT_TYPE,
        "summary": (contract.__doc__ or "").strip().splitlines()[0],
        "payload": {
            "type": "object",
            "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
            "properties": {
                "specversion": {"const": "1.0"},
                "id": {"type": "string"},
                "source": {"const": f"/{contract.TYPE.partition('.')[0]}"},
                "type": {"const": contract.TYPE},
                "subject": {"type": "string"},
                "time": {"type": "string", "format": "date-time"},
                "datacontenttype": {"const": "application/json"},
                "traceparent": {"type": "string"},
                "data": _inline(schema, schema.get("$defs", {})),
            },
        },
    }


def _inline(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema with its `$defs` in place: references of a nested schema would point to the wrong document."""
    if isinstance(schema, list):
        return [_inline(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inline(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {key: _inline(value, definitions) for key, value in schema.items() if key not in ("$defs", "$schema", "$id")}
