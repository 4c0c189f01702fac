"""One route of an API, described once: what it takes, what it answers, who may ask. OpenAPI follows from it."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from shared.errors import DomainError, NotFound
from shared.http.context import Forbidden, Unauthenticated
from shared.http.cookies import Cookie
from shared.identity import Identity

__all__ = [
    "PUBLIC",
    "SIGNED_IN",
    "Access",
    "Answer",
    "Call",
    "File",
    "Forbidden",
    "NoBody",
    "NoQuery",
    "RequestModel",
    "ResponseModel",
    "Route",
    "Unauthenticated",
    "Upload",
    "roles",
]  # fmt: skip

BodyT = TypeVar("BodyT")
QueryT = TypeVar("QueryT")

PATH_VALUE_LIMIT = 200

NoBody = None
NoQuery = None


class RequestModel(BaseModel):
    """Base of what is sent to us. A JSON body is read strictly whatever this says; a form and a query are text."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=False, allow_inf_nan=False, hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )  # fmt: skip


class ResponseModel(BaseModel):
    """Base of what we answer."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, json_schema_serialization_defaults_required=True
    )


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask: anybody, everybody signed in, or those with one of `roles`."""

    signed_in: bool = False
    roles: frozenset[str] = frozenset()

    def check(self, identity: Identity | None) -> None:
        """Let `identity` pass.

        Raises:
            Unauthenticated: nobody is signed in.
            Forbidden: none of the roles is there.
        """
        if self.signed_in and identity is None:
            raise Unauthenticated
        if identity is not None and self.roles and not self.roles & identity.roles:
            raise Forbidden


PUBLIC = Access()
SIGNED_IN = Access(signed_in=True)


def roles(*names: str) -> Access:
    """Those with at least one of these roles."""
    return Access(signed_in=True, roles=frozenset(names))


@dataclass(frozen=True, slots=True)
class Call(Generic[BodyT, QueryT]):
    """A request, read and checked."""

    request: web.Request
    body: BodyT
    query: QueryT
    identity: Identity | None

    def path(self, name: str) -> str:
        """A part of the path.

        Raises:
            NotFound: longer than any id of ours, or with control characters.
        """
        value = self.request.match_info[name]
        if len(value) > PATH_VALUE_LIMIT or not value.isprintable():
            raise NotFound
        return value

    def header(self, name: str) -> str | None:
        """A request header."""
        return self.request.headers.get(name)

    def headers(self, name: str) -> Sequence[str]:
        """Every line of a request header; empty where there is none."""
        return self.request.headers.getall(name, [])

    @property
    def who(self) -> Identity:
        """Who asks.

        Raises:
            Unauthenticated: nobody is signed in.
        """
        if self.identity is None:
            raise Unauthenticated
        return self.identity


@dataclass(frozen=True, slots=True)
class File:
    """A body that is no JSON; never kept by a cache."""

    content: bytes
    media_type: str

    def __repr__(self) -> str:
        return f"File({self.media_type}, {len(self.content)} bytes)"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers.

    `public_for_s`: for so many seconds the answer to an anonymous GET may be given again, for it is the same for
    everybody (`shared.http.kept`).
    """

    status: int
    body: ResponseModel | File | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Sequence[Cookie] = ()
    public_for_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Upload:
    """What a route takes: files of these media types (told by content later on), each and all of them so large."""

    media_types: Collection[str]
    most_bytes: int
    most_files: int = 1
    name: str = "file"
    """What a form calls the part; in the API any name will do."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Args:
        path: with `{name}` for a part, which `Call.path` gives.
        handler: async; gets a `Call`, returns an `Answer` whose status is among `answers`.
        body: model of the JSON body; None where there is none.
        upload: the files that the body has; None where it has none.
        timeout_s: how long it may take, where that is longer than is usual.
        query: model of the query parameters; None where there are none.
        problems: refusals of its own, for the contract.
        answers: model of the body by status; the media type where it is a `File`; None where there is none.
        headers: optional request headers to document, such as "If-None-Match".
        required_headers: those without which the handler refuses, such as "Idempotency-Key".
        answer_headers: those of a good answer to document, such as "Set-Cookie"; those that follow from the query, the
            status or a refusal are documented without.
        tag: the subject that it is listed under.
    """

    method: str
    path: str
    handler: Callable[[Call[Any, Any]], Awaitable[Answer]]
    summary: str
    body: type[RequestModel] | None = None
    query: type[RequestModel] | None = None
    answers: Mapping[int, type[ResponseModel] | str | None] = field(default_factory=lambda: {204: None})
    access: Access = PUBLIC
    problems: Sequence[type[DomainError]] = ()
    headers: Sequence[str] = ()
    required_headers: Sequence[str] = ()
    answer_headers: Sequence[str] = ()
    tag: str = ""
    upload: Upload | None = None
    timeout_s: float | None = None
