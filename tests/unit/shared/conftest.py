import io
import json
import logging

import pytest
import structlog
from aiohttp import DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from shared.logs import configure_logs
from shared.testing.identity import SigningAuth
from tests.unit.shared.shop import NOON, Shop


@pytest.fixture
async def aiohttp_server_of():
    """A real server that answers each given path with the given JSON; returns its address."""
    servers = []

    def answer(document):
        async def handler(_request):
            return web.json_response(document)

        return handler

    async def serve(documents):
        app = web.Application()
        app.router.add_routes([web.get(path, answer(document)) for path, document in documents.items()])
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        return str(server.make_url("")).rstrip("/")

    yield serve
    for server in servers:
        await server.close()


@pytest.fixture
def shop():
    return Shop()


@pytest.fixture
def auth():
    return SigningAuth("orders", lambda: NOON)


@pytest.fixture
async def client(shop, auth):
    async with TestClient(TestServer(shop.build(auth=auth)), cookie_jar=DummyCookieJar()) as client:
        yield client


@pytest.fixture
def keep_logs():
    """Puts the process's logging back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root.handlers = handlers
    root.setLevel(level)


@pytest.fixture
def lines(keep_logs):
    """The log lines so far."""
    stream = io.StringIO()
    configure_logs("info", service="orders", stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
