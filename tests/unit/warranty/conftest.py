from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.warranty.app import build_app
from services.warranty.deps import Deps
from tests.unit.warranty.world import World

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def deps(world: World) -> Deps:
    return world.deps


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    async with TestClient(TestServer(build_app(world.deps))) as opened:
        yield opened
