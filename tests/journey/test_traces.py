"""One trace leads from a browser's request over the broker to the mail, and tells nothing of the buyer.

Tracing is off on the stack; so processes of orders and mailer that have it on are started beside those that run.
"""

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from deploy.outside.browser import Browser
from deploy.outside.shop import Shop, order
from tests.journey.test_purchase import a_sku

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 60
NAME = "Tracy Tracewell"


class Collector:
    """Takes spans as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.spans: list[dict[str, Any]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.text())
        for resource in json.loads(self.bodies[-1])["resourceSpans"]:
            [service] = [each["value"]["stringValue"] for each in resource["resource"]["attributes"]
                         if each["key"] == "service.name"]  # fmt: skip
            self.spans += [each | {"service": service} for scope in resource["scopeSpans"] for each in scope["spans"]]
        return web.json_response({})

    def of(self, trace: str) -> dict[str, dict[str, Any]]:
        """Spans of a trace by name."""
        return {f"{each['service']}: {each['name']}": each for each in self.spans if each["traceId"] == trace}


@asynccontextmanager
async def collecting() -> AsyncIterator[tuple[Collector, str]]:
    collector, app = Collector(), web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield collector, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def traced(url: str, service: str, *words: str) -> AsyncIterator[int]:
    """A process of a service with tracing on; its port."""
    environ = os.environ | {"PADLOCK_HTTP_PORT": "0", "PADLOCK_TRACES_URL": url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.local", "run", service, *words,
        cwd=ROOT, env=environ, stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WAIT_S):
            while (line := json.loads(await process.stdout.readline()))["event"] != "ready":
                pass
        draining = asyncio.create_task(process.stdout.read())
        yield int(line["port"])
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
    await draining


async def test_a_trace_leads_from_the_request_to_the_receipt_without_the_buyer(
    shop: Shop, browser: Browser, address: Callable[[str], str]
) -> None:
    body = order(await a_sku(browser), "JPY", name=NAME, email=address("tracy"))
    wanted = {
        "orders: POST /api/orders", "orders: send orders.purchase.completed.v1",
        "mailer: process orders.purchase.completed.v1", "mailer: mail receipt",
    }  # fmt: skip
    async with AsyncExitStack() as cleanup:
        collector, url = await cleanup.enter_async_context(collecting())
        port = await cleanup.enter_async_context(traced(url, "orders", "serve", "--work"))
        await cleanup.enter_async_context(traced(url, "mailer", "work"))
        session = await cleanup.enter_async_context(aiohttp.ClientSession())
        deadline = time.monotonic() + WAIT_S
        traces: list[str] = []
        # The mailer that runs without tracing takes its share: buy until one trace has everything.
        while not any(wanted <= collector.of(trace).keys() for trace in traces):
            assert time.monotonic() < deadline, [collector.of(trace).keys() for trace in traces]
            traces.append(secrets.token_bytes(16).hex())
            headers = {"traceparent": f"00-{traces[-1]}-00f067aa0ba902b7-01", "Idempotency-Key": secrets.token_hex(16),
                       "Sec-Fetch-Site": "same-origin"}  # fmt: skip
            async with session.post(f"http://127.0.0.1:{port}/api/orders", json=body, headers=headers) as answer:
                assert answer.status == 201
            await asyncio.sleep(0.5)

    [whole] = [spans for trace in traces if wanted <= (spans := collector.of(trace)).keys()][:1]
    asked, sent, handled, mailed = (whole[name] for name in sorted(wanted, key=_order))
    assert asked["parentSpanId"] == "00f067aa0ba902b7"
    assert sent["parentSpanId"] == handled["parentSpanId"] == asked["spanId"]
    assert mailed["parentSpanId"] == handled["spanId"]
    told = "".join(collector.bodies)
    for personal in (NAME, "Tracewell", address("tracy"), "Jingumae", "150-0001", "4242", "127.0.0.1"):
        assert personal not in told, personal


def _order(name: str) -> int:
    return ["POST", "send", "process", "mail"].index(name.split()[1])
