"""OpenAPI 3.1 from the types that validate and serialise: nothing is said twice, so nothing can differ."""

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.errors import DomainError, InvalidInput, NotFound
from shared.http.context import Forbidden, Unauthenticated
from shared.http.cookies import cookie_name
from shared.http.intake import BodyTooLarge, MalformedBody
from shared.http.problems import CONTENT_TYPE, Problem, status_of
from shared.http.routes import Route, Upload

_REF = "#/components/schemas/{model}"
_PATH_PART = re.compile(r"\{([^}:]+)(?::[^}]*)?\}")
_SESSION = "session"

_TEXT = {"type": "string"}
_RETRY: Mapping[str, Any] = {
    "Retry-After": {"description": "Seconds until the same request may do better.", "schema": {"type": "integer"}}
}
_CHALLENGE: Mapping[str, Any] = {"WWW-Authenticate": {"description": "RFC 9110 section 11.6.1.", "schema": _TEXT}}
_NEXT: Mapping[str, Any] = {"Link": {"description": 'The next page, if any: `rel="next"`.', "schema": _TEXT}}
_OF_STATUS = {401: _CHALLENGE, 429: _RETRY}

Json = dict[str, Any]
Mode = Literal["validation", "serialization"]
Schemas = Mapping[tuple[type[BaseModel], Mode], Json]


def openapi_document(
    service: str, routes: Sequence[Route], *, version: str = "1", site_name: str = "www.tokyoflash.com"
) -> Json:
    """The contract of a service as an OpenAPI 3.1.0 document."""
    schemas, components = _schemas(routes)
    paths: Json = {}
    for route in routes:
        operation = _operation(route, schemas, components)
        paths.setdefault(_template(route.path), {})[route.method.lower()] = operation
    for query in {route.query for route in routes if route.query}:
        components.pop(schemas[query, "validation"]["$ref"].rpartition("/")[2], None)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Padlock: {service}", "version": version, "license": {"name": "Apache-2.0",
                 "identifier": "Apache-2.0"}},
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes) if tag],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                _SESSION: {"type": "apiKey", "in": "cookie", "name": cookie_name(site_name, "session"),
                           "description": "The browser's session; the gateway turns it into a signed identity."}
            },
        },
    }  # fmt: skip


def _schemas(routes: Sequence[Route]) -> tuple[Schemas, Json]:
    wanted: list[tuple[type[BaseModel], Mode]] = [(Problem, "serialization")]
    for route in routes:
        wanted += [(model, "validation") for model in (route.body, route.query) if model]
        wanted += [(model, "serialization") for model in route.answers.values() if model and not isinstance(model, str)]
    found, definitions = models_json_schema(list(dict.fromkeys(wanted)), ref_template=_REF)
    schemas = {(model, mode): schema for (model, mode), schema in found.items() if issubclass(model, BaseModel)}
    return schemas, definitions.get("$defs", {})


def _operation(route: Route, schemas: Schemas, components: Json) -> Json:
    operation: Json = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "responses": dict(_responses(route, schemas)),
    }
    parameters = [*_path_parameters(route), *_query_parameters(route, schemas, components), *_headers(route)]
    if parameters:
        operation["parameters"] = parameters
    if route.body:
        content = {"application/json": {"schema": schemas[route.body, "validation"]}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.upload:
        operation["requestBody"] = {"required": True, "content": dict(_files(route.upload))}
    if route.tag:
        operation["tags"] = [route.tag]
    if route.access.signed_in:
        operation["security"] = [{_SESSION: []}]
    if route.access.roles:
        operation["description"] = "For the roles " + ", ".join(sorted(route.access.roles)) + "."
        operation["x-roles"] = sorted(route.access.roles)
    return operation


def _files(upload: Upload) -> Iterator[tuple[str, Json]]:
    """OpenAPI 3.1 section 4.8.14.3: a file as the body has no schema, and one in a form is text without an encoding."""
    part = {"type": "string", "contentMediaType": "application/octet-stream"}
    schema = {"type": "object", "properties": {upload.name: part}, "required": [upload.name]}
    yield (
        "multipart/form-data",
        {"schema": schema, "encoding": {upload.name: {"contentType": ", ".join(upload.media_types)}}},
    )
    yield from ((media_type, {}) for media_type in upload.media_types)


def _responses(route: Route, schemas: Schemas) -> Iterator[tuple[str, Json]]:
    for status, model in sorted(route.answers.items()):
        answer: Json = {"description": HTTPStatus(status).phrase}
        if isinstance(model, str):
            answer["content"] = {model: {"schema": {"type": "string", "format": "binary"}}}
        elif model:
            kind = CONTENT_TYPE if model is Problem else "application/json"
            answer["content"] = {kind: {"schema": schemas[model, "serialization"]}}
        if status < HTTPStatus.BAD_REQUEST and (headers := _answer_headers(route)):
            answer["headers"] = headers
        yield str(status), answer
    content = {CONTENT_TYPE: {"schema": schemas[Problem, "serialization"]}}
    for status, codes in sorted(_problems(route).items()):
        if status not in route.answers:
            yield str(status), _refusal("; ".join(codes), content, _OF_STATUS.get(status))
    if 503 not in route.answers:
        yield "503", _refusal("unavailable", content, _RETRY)


def _refusal(description: str, content: Json, headers: Mapping[str, Any] | None) -> Json:
    answer = {"description": description, "content": content}
    return answer | {"headers": dict(headers)} if headers else answer


def _answer_headers(route: Route) -> Json:
    """What a good answer has: as the route says, and the link of a list that is read by cursor."""
    is_list = route.query is not None and "cursor" in route.query.model_fields
    return (dict(_NEXT) if is_list else {}) | {name: {"schema": _TEXT} for name in route.answer_headers}


def _problems(route: Route) -> dict[int, list[str]]:
    """The codes of all refusals of a route, by status."""
    refusals: list[type[DomainError]] = list(route.problems)
    found: dict[int, list[str]] = {}
    if route.body or route.upload:
        refusals += [MalformedBody, BodyTooLarge, InvalidInput]
        found[415] = ["unsupported-media-type"]
    if route.query:
        refusals.append(InvalidInput)
    if "{" in route.path:
        refusals.append(NotFound)
    if route.access.signed_in:
        refusals.append(Unauthenticated)
    if route.access.roles:
        refusals.append(Forbidden)
    if route.method not in ("GET", "HEAD"):
        found[403] = ["cross-site"]
    for refusal in dict.fromkeys(refusals):
        codes = found.setdefault(status_of(refusal), [])
        if refusal.code not in codes:
            codes.append(refusal.code)
    return found


def _path_parameters(route: Route) -> Iterator[Json]:
    for name in _PATH_PART.findall(route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "maxLength": 200}}


def _query_parameters(route: Route, schemas: Schemas, components: Json) -> Iterator[Json]:
    if route.query is None:
        return
    schema = components[schemas[route.query, "validation"]["$ref"].rpartition("/")[2]]
    for name, field in schema.get("properties", {}).items():
        parameter: Json = {"name": name, "in": "query", "required": name in schema.get("required", ())}
        if "description" in field:
            parameter["description"] = field["description"]
        yield parameter | {"schema": {key: value for key, value in field.items() if key != "description"}}


def _headers(route: Route) -> Iterator[Json]:
    for name in (*route.required_headers, *route.headers):
        required = name in route.required_headers
        yield {"name": name, "in": "header", "required": required, "schema": {"type": "string"}}


def _template(path: str) -> str:
    return _PATH_PART.sub(r"{\1}", path)


def _operation_id(route: Route) -> str:
    words = re.findall(r"[A-Za-z0-9]+", _template(route.path))
    return "_".join([route.method.lower(), *words])
