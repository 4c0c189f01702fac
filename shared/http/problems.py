"""Refusals as RFC 9457 problem details. Never the value that was sent."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import ConfigDict, ValidationError

from shared.cardlike import may_hold_card_number
from shared.errors import DomainError, ErrorKind, FieldError, InvalidInput
from shared.http.routes import ResponseModel

CONTENT_TYPE = "application/problem+json"
STATUS: Mapping[ErrorKind, int] = {
    ErrorKind.MALFORMED: 400,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.PAYMENT_FAILED: 402,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.GONE: 410,
    ErrorKind.STALE: 412,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.INVALID: 422,
    ErrorKind.TOO_MANY: 429,
}
_POINTER_LIMIT = 200
_SEGMENT_LIMIT = 64
_LEFT_OUT = "…"
_DETAIL_LIMIT = 300
_COUNTED = re.compile(r"^(Tuple|List|Set|Frozenset|Dictionary) should have(?= at (least|most) )")
# pydantic's words for these repeat a part of the input.
_OWN_WORDS = {
    "union_tag_invalid": "Input should be one of the known kinds",
    "uuid_parsing": "Input should be a valid UUID",
    "url_parsing": "Input should be a valid URL",
    "date_parsing": "Input should be a valid date",
    "date_from_datetime_parsing": "Input should be a valid date",
    "datetime_parsing": "Input should be a valid date and time with an offset",
    "datetime_from_date_parsing": "Input should be a valid date and time with an offset",
    "time_parsing": "Input should be a valid time",
    "extra_forbidden": "There is no such field",
}


class FieldProblem(ResponseModel):
    """One field that was refused."""

    pointer: str
    """JSON Pointer (RFC 6901) into the body; or the name of a header or query parameter."""
    code: str
    detail: str


class Problem(ResponseModel):
    """What went wrong (RFC 9457). A member without content is left out."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    """The request's id in our logs."""
    errors: tuple[FieldProblem, ...] = ()


def problem_response(
    status: int,
    code: str,
    detail: str = "",
    *,
    request_id: str = "",
    fields: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A problem as `application/problem+json`; members without content are left out."""
    problem = Problem(
        type=f"/problems/{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request_id,
        errors=tuple(FieldProblem(pointer=f.pointer, code=f.code, detail=f.detail) for f in fields),
    )
    body = problem.model_dump_json(exclude_defaults=True).encode("utf-8", "replace")
    return web.Response(status=status, body=body, headers={"Content-Type": CONTENT_TYPE, **(headers or {})})


def status_of(error: type[DomainError] | DomainError) -> int:
    """The HTTP status of a refusal."""
    return STATUS[error.kind]


def refusal_headers(error: DomainError) -> dict[str, str]:
    """Retry-After where the refusal passes by itself; a challenge with 401 (RFC 9110 section 11.6.1)."""
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(0, error.retry_after_s))
    if error.kind is ErrorKind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = 'Session realm="shop"'
    return headers


def invalid_input(error: ValidationError, *, names: bool = False) -> InvalidInput:
    """What pydantic found, as our own refusal.

    Args:
        error: what pydantic found.
        names: name a query parameter, instead of a pointer into a body.
    """
    return InvalidInput("Some fields were refused.", fields=list(_fields(error, names)))


def pointer(parts: Iterable[Any]) -> str:
    """A JSON Pointer (RFC 6901): `~` and `/` in a name are escaped. What may be no field's name is left out: "…"."""
    text = "".join("/" + segment(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return "/" + _LEFT_OUT if may_hold_card_number(text) else text[:_POINTER_LIMIT]


def segment(part: Any) -> str:
    """A name that was sent, or "…" where it is longer than any of ours or might be a card number."""
    name = str(part)
    return _LEFT_OUT if len(name) > _SEGMENT_LIMIT or may_hold_card_number(name) else name


def _in_our_words(message: str) -> str:
    """Pydantic's sentence without the types of Python, which nobody who sends JSON knows."""
    return _COUNTED.sub("Must have", message.removeprefix("Value error, ")).partition(" after validation")[0]


def _fields(error: ValidationError, names: bool) -> Iterator[FieldError]:
    faults = error.errors(include_input=False, include_context=False, include_url=False)
    for fault in faults[:50]:
        code, place = fault["type"], fault["loc"]
        if code == "too_short" and any(other["loc"][: len(place)] == place for other in faults if other is not fault):
            continue  # pydantic counts only the items that passed, and so blames the list for its items
        detail = _OWN_WORDS.get(code) or _in_our_words(fault["msg"])[:_DETAIL_LIMIT]
        yield FieldError(".".join(map(segment, place)) if names else pointer(place), code, detail)
