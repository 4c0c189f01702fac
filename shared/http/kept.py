"""Answers that are the same for everybody, kept in memory for a moment: reads of a catalogue cost next to nothing.

For anonymous GETs alone: who has an identity is checked each time. The answer says for how long
(`Answer.public_for_s`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from multidict import CIMultiDict

from shared import metrics
from shared.http.context import received_request_id

PUBLIC_FOR_S = web.RequestKey("public_for_s", float)
"""Set by an endpoint: for how long its answer may be kept."""
_NO_TIME_S = 0.0  # an answer from memory is far below the finest bucket
MOST_BYTES = 4 * 1024 * 1024
"""How much is kept; past that all of it is forgotten, for it is made again in no time."""
_BESIDE_BYTES = 2048  # what headers and bookkeeping take: anybody can ask for thousands of searches that find nothing


@dataclass(frozen=True, slots=True)
class _Kept:
    body: bytes
    headers: CIMultiDict[str]
    route: str
    until: float


@dataclass(slots=True)
class Shelf:
    """Answers by path and query. `monotonic` gives seconds of a clock that never goes back."""

    monotonic: Callable[[], float]
    answers: dict[str, _Kept] = field(default_factory=dict)
    size_bytes: int = 0

    def again(self, request: web.BaseRequest) -> web.Response | None:
        """What was answered a moment before, where that is an answer for whoever asks now."""
        found = self.answers.get(request.raw_path)
        if found is None or not _is_anybodys(request) or found.until <= self.monotonic():
            return None
        return _again(found, request)

    def put(self, path: str, answer: _Kept) -> None:
        """Keep an answer in place of an earlier one, and forget all others where there is no more room."""
        size_bytes = _BESIDE_BYTES + len(path) + len(answer.body)
        if earlier := self.answers.pop(path, None):
            self.size_bytes -= _BESIDE_BYTES + len(path) + len(earlier.body)
        if self.size_bytes + size_bytes > MOST_BYTES:
            self.answers.clear()
            self.size_bytes = 0
        self.answers[path] = answer
        self.size_bytes += size_bytes


SHELF = web.AppKey("shelf", Shelf)


def keep_public(shelf: Shelf) -> Middleware:
    """A middleware, the outermost: it keeps what was answered with 200; `shared.http.server` gives it again."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked_at = shelf.monotonic()
        response = await handler(request)
        fresh_s = request.get(PUBLIC_FOR_S, 0.0) if _is_anybodys(request) else 0.0
        if fresh_s and response.status == 200 and isinstance(response, web.Response) and not response.cookies:
            shelf.put(request.raw_path, _kept(request, response, until=asked_at + fresh_s))
        return response

    return middleware


def _is_anybodys(request: web.BaseRequest) -> bool:
    return request.method == "GET" and not request.headers.get("X-Identity")


def _kept(request: web.Request, response: web.Response, *, until: float) -> _Kept:
    headers = CIMultiDict(response.headers)
    resource = request.match_info.route.resource
    assert isinstance(response.body, bytes)
    assert resource is not None
    return _Kept(response.body, headers, resource.canonical, until)


def _again(found: _Kept, request: web.BaseRequest) -> web.Response:
    headers = found.headers.copy()
    headers["X-Request-Id"] = received_request_id(request)
    asked = request.headers.get("If-None-Match")
    if asked is not None and knows(asked, headers.get("ETag", "")):
        del headers["Content-Type"]
        metrics.http_duration(found.route, "GET", 304).observe(_NO_TIME_S)
        return web.Response(status=304, headers=headers)
    metrics.http_duration(found.route, "GET", 200).observe(_NO_TIME_S)
    return web.Response(body=found.body, headers=headers)


def knows(asked: str, tag: str) -> bool:
    """Whether `If-None-Match` names the tag (RFC 9110 section 13.1.2): any of its list, compared weakly, or "*"."""
    known = [each.strip().removeprefix("W/") for each in asked.split(",")]
    return tag in known or "*" in known
