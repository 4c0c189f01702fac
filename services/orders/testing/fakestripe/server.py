"""The fake as an HTTP server."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import web

from services.orders.testing.fakestripe.faults import AFTER, Fault, Faults
from services.orders.testing.fakestripe.forms import ApiError, nested
from services.orders.testing.fakestripe.idempotency import Keys
from services.orders.testing.fakestripe.intents import Intents, Object
from services.orders.testing.fakestripe.webhooks import Webhooks

API_KEY = "sk_test_of_the_fake"
_INTENTS = "/v1/payment_intents"
_BANK = """<!doctype html><title>Bank</title><form method="post">
<button name="answer" value="approve">Approve</button> <button name="answer" value="refuse">Refuse</button></form>"""
Do = Callable[[Object], Object]
Gate = asyncio.Event | None
"""What is waited for before something is done; the key that it is asked with is in flight then."""
Answer = Callable[[Object, Gate], Awaitable[web.Response]]


class FakeStripe:
    """Its state, its faults, and the application that answers. `calls` names each call as it came in."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.webhooks = Webhooks(now)
        self.intents = Intents(self.webhooks.announce, now)
        self.keys = Keys()
        self.faults = Faults()
        self.calls: list[str] = []
        self.versions: set[str] = set()
        self.late: set[asyncio.Task[Any]] = set()

    def app(self) -> web.Application:
        """The server's application."""
        app = web.Application()
        intent = f"{_INTENTS}/{{id}}"
        app.router.add_routes(
            [
                web.post(_INTENTS, self._change("create", lambda request: self.intents.create)),
                web.get(_INTENTS, partial(self._list, "list", self.intents.intents)),
                web.get(intent, self._retrieve),
                web.post(f"{intent}/confirm", self._change("confirm", _on(self.intents.confirm))),
                web.post(
                    f"{intent}/capture",
                    self._change("capture", _on(lambda intent_id, _: self.intents.capture(intent_id))),
                ),
                web.post(
                    f"{intent}/cancel", self._change("cancel", _on(lambda intent_id, _: self.intents.cancel(intent_id)))
                ),
                web.post("/v1/refunds", self._change("refund", lambda request: self.intents.refund)),
                web.get("/v1/refunds", partial(self._list, "list_refunds", self.intents.refunds)),
                web.get("/bank/{id}", self._bank),
                web.post("/bank/{id}", self._act),
            ]
        )
        app.on_shutdown.append(self._stop)
        return app

    def _change(self, operation: str, chosen: Callable[[web.Request], Do]) -> Any:
        async def handler(request: web.Request) -> web.StreamResponse:
            async def answer(params: Object, gate: Gate) -> web.Response:
                return await self._once(request, params, chosen(request), gate)

            return await self._meeting(operation, request, answer)

        return handler

    async def _retrieve(self, request: web.Request) -> web.StreamResponse:
        async def found(_params: Object, _gate: Gate) -> web.Response:
            return web.json_response(self.intents.find(request.match_info["id"]))

        return await self._meeting("retrieve", request, found)

    async def _list(self, operation: str, things: dict[str, Object], request: web.Request) -> web.StreamResponse:
        async def page(params: Object, _gate: Gate) -> web.Response:
            newest = [thing for thing in reversed(things.values()) if _fits(thing, params)]
            behind = params.get("starting_after")
            start = 1 + [thing["id"] for thing in newest].index(behind) if behind else 0
            end = start + int(params.get("limit", 10))
            body = {"object": "list", "data": newest[start:end], "has_more": end < len(newest), "url": request.path}
            return web.json_response(body)

        return await self._meeting(operation, request, page)

    async def _meeting(self, operation: str, request: web.Request, answer: Answer) -> web.StreamResponse:
        """Answer, unless a fault was planned."""
        self.calls.append(operation)
        self.versions.add(request.headers.get("Stripe-Version", ""))
        if request.headers.get("Authorization") != f"Bearer {API_KEY}":
            return web.json_response({"error": {"type": "invalid_request_error"}}, status=401)
        pairs = (await request.post()).items() if request.method == "POST" else request.query.items()
        params = nested((name, str(value)) for name, value in pairs)
        fault = self.faults.next(operation)
        if fault is None:
            return await _answered(answer, params)
        if fault is Fault.LATE:
            self._later(answer, params)
        elif fault in AFTER:
            await _answered(answer, params)
        return await self._broken(fault, request)

    def _later(self, answer: Answer, params: Object) -> None:
        task = asyncio.create_task(_answered(answer, params, self.faults.callers_gave_up))
        self.late.add(task)
        task.add_done_callback(self.late.discard)

    async def _broken(self, fault: Fault, request: web.Request) -> web.StreamResponse:
        match fault:
            case Fault.ERROR | Fault.ERROR_AFTER:
                return web.json_response({"error": {"type": "api_error"}}, status=500)
            case Fault.BUSY:
                return web.json_response({"error": {"type": "rate_limit_error", "code": "rate_limit"}}, status=429)
            case Fault.SILENT | Fault.SILENT_AFTER | Fault.LATE:
                await self.faults.callers_gave_up.wait()
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _once(self, request: web.Request, params: Object, do: Do, gate: Gate) -> web.Response:
        """Do it, or answer as this idempotency key was answered before."""
        key = request.headers.get("Idempotency-Key", "")
        earlier = self.keys.begin(key, request.path, params) if key else None
        if earlier is not None:
            status, body = earlier
            return web.json_response(body, status=status, headers={"Idempotent-Replayed": "true"})
        if gate is not None:
            await gate.wait()
        try:
            status, body = 200, do(params)
        except ApiError as refusal:
            status, body = refusal.status, refusal.body
        if key:
            self.keys.end(key, (status, body))
        return web.json_response(body, status=status)

    async def _bank(self, _request: web.Request) -> web.Response:
        return web.Response(text=_BANK, content_type="text/html")

    async def _act(self, request: web.Request) -> web.Response:
        approved = (await request.post()).get("answer") == "approve"
        intent = self.intents.act(request.match_info["id"], approved=approved)
        raise web.HTTPSeeOther(intent["return_url"])

    async def _stop(self, _app: web.Application) -> None:
        self.faults.callers_gave_up.set()


def _on(do: Callable[[str, Object], Object]) -> Callable[[web.Request], Do]:
    return lambda request: partial(do, request.match_info["id"])


async def _answered(answer: Answer, params: Object, gate: Gate = None) -> web.Response:
    try:
        return await answer(params, gate)
    except ApiError as refusal:
        return web.json_response(refusal.body, status=refusal.status)


def _fits(thing: Object, params: Object) -> bool:
    wanted = params.get("payment_intent")
    is_theirs = wanted is None or thing["payment_intent"] == wanted
    since = int(params.get("created", {}).get("gte", 0))
    return bool(is_theirs and thing["created"] >= since)
