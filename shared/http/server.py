"""What answers before and without the application: the gateway's questions and what is kept, at the end of a process,
and where no request could be read, for aiohttp's parser refused the bytes and no middleware saw them.

To the last aiohttp's own answer is plain text that quotes what was sent, a token in a request line included, and logs
it as an error, which would let anybody raise alarms.
"""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from shared.http.context import DIRECT
from shared.http.kept import SHELF
from shared.http.problems import problem_response
from shared.metrics import HTTP_DURATION

UNREAD = "unread"
RequestHandler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
log = structlog.get_logger(__name__)


class _Protocol(web.RequestHandler):
    """A connection whose refusals are problems that quote nothing (RFC 9457)."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer and close; called by aiohttp for unreadable requests and for what no middleware caught."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        if status >= 500:
            log.error("request failed outside the application", error=type(exc).__name__)
            answer = problem_response(status, "internal-error")
        else:
            log.debug("unreadable request", error=type(exc).__name__)
            answer = problem_response(status, "malformed-request", "The request is not HTTP as it should be.")
        HTTP_DURATION.labels(UNREAD, "OTHER", status).observe(0)
        answer.force_close()
        return answer


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        # No compressed body is taken here; where aiohttp unpacks one that is none, it fails outside of every handler.
        return _Protocol(self, loop=self._loop, auto_decompress=False, **self._kwargs)


class Runner(web.AppRunner):
    """`web.AppRunner` with our protocol and shortcuts: aiohttp has no public way to say which."""

    __slots__ = ("_is_draining",)
    _is_draining: bool

    def drain(self) -> None:
        """From now on each answer closes its connection."""
        self._is_draining = True

    async def _make_server(self) -> web.Server:
        self._is_draining = False
        plain = await super()._make_server()
        answer = _shortcut(self.app, plain.request_handler)

        async def handler(request: web.BaseRequest) -> web.StreamResponse:
            response = await answer(request)
            if self._is_draining:
                response.force_close()
            return response

        return _Server(handler, request_factory=plain.request_factory, **plain._kwargs)


def _shortcut(app: web.Application, otherwise: RequestHandler) -> RequestHandler:
    """Questions of the gateway go straight to their handlers, what is kept is given again, and everything else goes
    through the application: to find a route among many costs more than both.
    """
    if DIRECT not in app:
        return otherwise
    direct, shelf = app[DIRECT], app[SHELF]

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if known := shelf.again(request):
            return known
        straight = direct.get(request.raw_path) if request.method == "GET" else None
        if straight is None:
            return await otherwise(request)
        assert isinstance(request, web.Request)
        return await straight(request)

    return handle
