"""A body for every input that a published contract describes, with canaries wherever text is taken."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Schema | None]]:
    """Method, path and JSON body's schema (None where it takes none) of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            yield method.upper(), path, content.get("application/json", {}).get("schema")


def sample(schema: Schema, document: Mapping[str, Any], text: Callable[[str], str], *, name: str = "") -> Any:
    """A value of the schema. `text` gives the text for a field of that name."""
    if ref := schema.get("$ref"):
        return sample(document["components"]["schemas"][ref.rsplit("/", 1)[1]], document, text, name=name)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return sample(schema[choice][0], document, text, name=name)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    if kind == "object":
        parts = schema.get("properties", {})
        return {field: sample(part, document, text, name=field) for field, part in parts.items()}
    if kind == "array":
        return [sample(schema.get("items", {}), document, text, name=name)]
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    if kind == "boolean":
        return False
    return text(f"{name}@example.org") if schema.get("format") == "email" or name == "email" else text(name)
