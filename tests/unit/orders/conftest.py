from collections.abc import AsyncIterator

import pytest
from aiohttp import DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from services.orders.app import build_app
from tests.unit.orders.world import World, a_world

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as opened:
        yield opened


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    server = TestServer(build_app(world.deps))
    async with TestClient(server, cookie_jar=DummyCookieJar()) as opened:
        yield opened
