"""The real gateway in front of made-up services."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from deploy.local.certificates import ensure_certificates
from deploy.local.gateway import gateway_part
from deploy.local.layout import SERVICES, Layout, private_directory
from deploy.local.parts import NotReady
from deploy.local.passwords import ensure_passwords
from deploy.local.ports import HOST, choose_ports
from deploy.local.programs import find_programs
from deploy.local.stack import Stack

SESSION = "__Host-www.tokyoflash.com-session"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Backend:
    """One made-up service: what it was asked, and how it answers."""

    name: str
    port: int
    answer: Handler
    asked: list[web.Request] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.asked.append(request)
        return await self.answer(request)


async def plainly(request: web.Request) -> web.StreamResponse:
    return web.json_response({"path": request.path_qs, "headers": dict(request.headers)})


async def nobody(request: web.Request) -> web.StreamResponse:
    return web.Response(headers={"X-Identity": ""})


@dataclass
class Gateway:
    """The running gateway and the services behind it; `stop` takes one of them away."""

    stack: Stack
    backends: dict[str, Backend]
    runners: dict[str, web.AppRunner]
    client: aiohttp.ClientSession
    identity: Backend

    @property
    def url(self) -> str:
        return self.stack.public_url

    async def stop(self, service: str) -> None:
        await self.runners.pop(service).cleanup()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    stack = await asyncio.to_thread(_prepare, tmp_path)
    async with contextlib.AsyncExitStack() as cleanup:
        backends = {name: Backend(name, stack.ports[name], plainly) for name in SERVICES}
        identity = Backend("identity", 0, nobody)
        runners = {}
        for backend in backends.values():
            runners[backend.name] = await _serve(backend, identity)
            cleanup.push_async_callback(runners[backend.name].cleanup)
        await cleanup.enter_async_context(_nginx(stack))
        tls = ssl.create_default_context(cafile=str(stack.layout.tls / "ca.pem"))
        connector = aiohttp.TCPConnector(ssl=tls)
        client = await cleanup.enter_async_context(
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        )
        yield Gateway(stack, backends, runners, client, identity)


def _prepare(folder: Path) -> Stack:
    layout = Layout(private_directory(folder / "stack"))
    ensure_certificates(layout.tls, now=datetime.now(UTC))
    private_directory(layout.logs)
    return Stack(
        layout=layout,
        ports=choose_ports(layout.base / "ports.json", preferred={}),
        passwords=ensure_passwords(layout.base / "passwords.json"),
        programs=find_programs(mongod=False, rabbitmq=False),
    )


async def _serve(backend: Backend, identity: Backend) -> web.AppRunner:
    app = web.Application(client_max_size=1024 * 1024)
    if backend.name == "auth":
        app.router.add_get("/internal/identity", identity.handle)
    app.router.add_route("*", "/{path:.*}", backend.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, HOST, backend.port).start()
    return runner


@contextlib.asynccontextmanager
async def _nginx(stack: Stack) -> AsyncIterator[None]:
    part = gateway_part(stack)
    await part.prepare()
    process = await asyncio.create_subprocess_exec(*part.command, cwd=part.folder, env=dict(part.environ))
    try:
        async with asyncio.timeout(10):
            while True:
                try:
                    await part.settle()
                    break
                except NotReady:
                    assert process.returncode is None, "nginx has ended"
                    await asyncio.sleep(0.02)
        yield
    finally:
        process.terminate()
        await process.wait()
