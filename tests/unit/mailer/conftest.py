from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.mailer.app import build_app
from services.mailer.testing.harness import Shop, open_shop

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as opened:
        yield opened


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[Client]:
    async with TestClient(TestServer(build_app(shop.deps()))) as opened:
        yield opened
