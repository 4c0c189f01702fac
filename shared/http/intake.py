"""Reading what was sent: bounded, strict, and naming each field that is refused."""

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import BaseModel, ValidationError

from shared.addresses import is_email
from shared.cardlike import may_hold_card_number
from shared.errors import DomainError, ErrorKind, FieldError, InvalidInput
from shared.http.problems import invalid_input, pointer, segment

BODY_TIMEOUT_S = 10
FIELD_LIMIT = 200
ModelT = TypeVar("ModelT", bound=BaseModel)

# Seldom there, and worth a second look: NUL, surrogates, and numbers that JSON does not have.
_SUSPECT = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]|NaN|Infinity")
_DECIMAL = re.compile(r"-?[0-9]+")
_DECIMAL_DETAIL = "Input should be a number in decimal digits"
_UTF8: Sequence[Sequence[str]] = ([], ["charset=utf-8"], ["charset=utf8"], ['charset="utf-8"'])
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_UNFIT_DETAIL = "Text must not contain NUL or lone surrogates"


class MalformedBody(DomainError):
    """The body cannot be read."""

    kind = ErrorKind.MALFORMED
    code = "malformed-body"


class BodyTooLarge(DomainError):
    """The body is larger than is read here."""

    kind = ErrorKind.TOO_LARGE
    code = "body-too-large"


class UnsupportedMediaType(Exception):
    """The body is of another type than the route takes; answered with 415."""


class CompressedBody(UnsupportedMediaType):
    """The body is compressed, and nobody has read it; answered with 415, and the connection ends."""


class BodyTooSlow(Exception):
    """The body did not arrive in time; answered with 408."""


async def read_json(request: web.Request, model: type[ModelT]) -> ModelT:
    """The JSON body, strictly: a string is no number, true is no number; unknown fields, NaN and a name that occurs
    twice in one object are refused.

    Raises:
        UnsupportedMediaType, BodyTooLarge, BodyTooSlow, MalformedBody, InvalidInput
    """
    _expect(request, "application/json")
    body = await read_body(request)
    if _SUSPECT.search(body):
        _look_closely(body)
    try:
        read = model.model_validate_json(body, strict=True)
    except ValidationError as error:
        if any(fault["type"] == "json_invalid" for fault in error.errors(include_input=False, include_context=False)):
            raise MalformedBody("The body is not JSON.") from None
        raise invalid_input(error) from None
    _refuse_repeated_names(body)
    return read


def read_query(request: web.Request, model: type[ModelT]) -> ModelT:
    """The query parameters; each at most once, numbers in decimal digits.

    Raises:
        InvalidInput: names the parameter.
    """
    fields: dict[str, str] = {}
    for name, value in request.query.items():
        if name in fields:
            _refuse(segment(name), "repeated", "The parameter is given twice")
        if _UNFIT.search(value) or _UNFIT.search(name):
            _refuse(_UNFIT.sub("", segment(name)), "unfit_text", _UNFIT_DETAIL)
        fields[name] = value
    try:
        query = model.model_validate(fields, strict=False)
    except ValidationError as error:
        raise invalid_input(error, names=True) from None
    for place in _odd_numbers(query, fields):
        _refuse(str(place[0]), "int_parsing", _DECIMAL_DETAIL)
    return query


class Form:
    """A form that was posted; `values` is what was typed, by field name."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values

    @property
    def shown(self) -> dict[str, str]:
        """What may be shown again.

        Not what was typed into a wrong field: nothing that may hold a card number, and in the field of an e-mail
        address nothing but one, for a password that slipped into it would stand there for all to read.
        """
        return {name: text for name, text in self.values.items() if _may_be_shown(name, text)}

    def parse(self, model: type[ModelT]) -> ModelT:
        """The same model as the API's, read from text. A field left blank counts as absent.

        `contact.name` and `lines.0.sku` are fields within fields.

        Raises:
            InvalidInput: names each field as the API does: `/contact/name`.
        """
        tree = _nest(self.values)
        try:
            read = model.model_validate(tree, strict=False)
        except ValidationError as error:
            raise invalid_input(error) from None
        for place in _odd_numbers(read, tree):
            _refuse(pointer(place), "int_parsing", _DECIMAL_DETAIL)
        return read


def _may_be_shown(name: str, text: str) -> bool:
    if may_hold_card_number(text):
        return False
    return name.rpartition(".")[2] != "email" or is_email(text)


async def read_form(request: web.Request) -> Form:
    """The posted form, urlencoded only.

    Raises:
        UnsupportedMediaType, BodyTooLarge, BodyTooSlow, MalformedBody, InvalidInput
    """
    _expect(request, "application/x-www-form-urlencoded")
    body = await read_body(request)
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELD_LIMIT
        )  # fmt: skip
    except ValueError:  # UnicodeDecodeError is one
        raise MalformedBody("The body is not a form.") from None
    return form_of(pairs)


def form_of(pairs: Iterable[tuple[str, str]]) -> Form:
    """The form of these fields, each at most once.

    Raises:
        InvalidInput: names the field.
    """
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            _refuse(pointer(name.split(".")), "repeated", "The field is given twice")
        if _UNFIT.search(name + value):
            _refuse(_UNFIT.sub("", pointer(name.split("."))), "unfit_text", _UNFIT_DETAIL)
        values[name] = value
    return Form(values)


async def parse_form(request: web.Request, model: type[ModelT]) -> ModelT:
    """`read_form`, then `Form.parse`."""
    return (await read_form(request)).parse(model)


async def read_body(request: web.Request) -> bytes:
    """The whole body, at most the application's limit, within 10 s.

    Raises:
        BodyTooLarge, BodyTooSlow
        CompressedBody: and so of unknown size.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise CompressedBody
    if (request.content_length or 0) > request.client_max_size:
        raise BodyTooLarge
    try:
        if request.content.is_eof():  # all of it came with the head
            return await request.read()
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.read()
    except TimeoutError:
        raise BodyTooSlow from None
    except web.HTTPRequestEntityTooLarge:
        raise BodyTooLarge from None


def _expect(request: web.Request, media_type: str) -> None:
    sent = request.headers.getall("Content-Type", [])
    if len(sent) != 1 or (sent[0] != media_type and not _is_in_utf8(sent[0], media_type)):
        raise UnsupportedMediaType


def _is_in_utf8(content_type: str, media_type: str) -> bool:
    """RFC 9110 section 8.3.1. No parameter but one charset is taken: what reads two might take the other."""
    essence, *parameters = (part.strip(" \t").lower() for part in content_type.split(";"))
    return essence == media_type and [part for part in parameters if part] in _UTF8


def _refuse_repeated_names(body: bytes) -> None:
    """What reads the first of two might have let pass what is not in the last (RFC 8259 section 4)."""
    try:
        json.loads(body, object_pairs_hook=_distinct, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        raise MalformedBody("The body is not JSON.") from None


def _distinct(members: list[tuple[str, Any]]) -> None:
    if len(dict(members)) != len(members):
        raise MalformedBody("Malformed JSON: a name occurs twice.")


def _look_closely(body: bytes) -> None:
    """Refuse text that no database or mail can carry, naming the field, and numbers that are none."""
    try:
        document = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise MalformedBody("The body is not JSON.") from None
    unfit = (place for place, text in _texts(document) if _UNFIT.search(text))
    fields = [FieldError(_UNFIT.sub("", pointer(place)), "unfit_text", _UNFIT_DETAIL) for place in islice(unfit, 50)]
    if fields:
        raise InvalidInput("Some fields were refused.", fields=fields)


def _no_number(_text: str) -> NoReturn:
    raise ValueError


def _texts(document: Any) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Every string with its place; a field's name counts as text at its own place."""
    waiting: list[tuple[tuple[Any, ...], Any]] = [((), document)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, list):
            waiting += [((*place, index), item) for index, item in enumerate(value)]
        elif isinstance(value, dict):
            for name, item in value.items():
                yield (*place, name), name
                waiting.append(((*place, name), item))


def _odd_numbers(read: Any, sent: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where whole numbers were read from text that is not in decimal digits: pydantic takes `1_0` for 10."""
    if isinstance(sent, str):
        if type(read) is int and not _DECIMAL.fullmatch(sent):
            yield place
    elif isinstance(sent, dict):
        for name, part in sent.items():
            yield from _odd_numbers(getattr(read, name, None), part, (*place, name))
    elif isinstance(read, (list, tuple)):
        for number, part in enumerate(sent):
            yield from _odd_numbers(read[number], part, (*place, number))


def _nest(values: dict[str, str]) -> dict[str, Any]:
    """{"a.b": "1", "l.0.c": "2"} -> {"a": {"b": "1"}, "l": [{"c": "2"}]}; blank fields are left out."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        if value.strip():
            _put(tree, name.split(".", 5), value)
    return {name: _lists(branch) for name, branch in tree.items()}


def _put(tree: dict[str, Any], parts: Sequence[str], value: str) -> None:
    for part in parts[:-1]:
        branch = tree.setdefault(part, {})
        if not isinstance(branch, dict):
            raise InvalidInput("Some fields were refused.", fields=[FieldError(pointer(parts), "conflict",
                               "The field is both a value and a group")])  # fmt: skip
        tree = branch
    if isinstance(tree.get(parts[-1]), dict):
        _refuse(pointer(parts), "conflict", "The field is both a value and a group")
    tree[parts[-1]] = value


def _lists(branch: Any) -> Any:
    if not isinstance(branch, dict):
        return branch
    if branch and all(name.isascii() and name.isdigit() and len(name) < 4 for name in branch):
        return [_lists(branch[name]) for name in sorted(branch, key=int)]
    return {name: _lists(item) for name, item in branch.items()}


def _refuse(place: str, code: str, detail: str) -> NoReturn:
    raise InvalidInput("Some fields were refused.", fields=[FieldError(place, code, detail)])
