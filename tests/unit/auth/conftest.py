"""Auth in memory, behind a real HTTP server on loopback."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.auth.app import build_app
from tests.unit.auth.doubles import Browser, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def client(world: World) -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(build_app(world.deps))) as client:
        yield client
    world.deps.hashes.close()


@pytest.fixture
def browser(client: TestClient[Any, Any], world: World) -> Browser:
    return Browser(client, world.settings)
