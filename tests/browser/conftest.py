"""One Chromium for all tests of pages; each test has a window and people of its own."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from deploy.outside.chromium import Window, chromium
from deploy.outside.shop import Shop
from tests.stack import running_shop

PASSWORD = "a watch that tells no time"  # of invented persons, in a stack that lives on this machine
OpenWindow = Callable[..., Awaitable[Window]]


@pytest.fixture(scope="session")
def shop() -> Shop:
    return running_shop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chrome(shop: Shop) -> AsyncIterator[Browser]:
    async with chromium(shop.gateway, str(shop.stack.resolve(shop.stack.read()["ca"]))) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def open_window(shop: Shop, chrome: Browser) -> AsyncIterator[OpenWindow]:
    """Windows whose every request is looked at: a page of ours asks nobody but us (P5)."""
    windows: list[Window] = []

    async def open_one(*, language: str = "en", narrow: bool = False, scripts: bool = True) -> Window:
        windows.append(await Window.open(chrome, shop.gateway, language=language, narrow=narrow, scripts=scripts))
        return windows[-1]

    yield open_one
    for window in windows:
        await window.context.close()
    assert {host for window in windows for host in window.foreign} == set()


@pytest.fixture
def address() -> str:
    """An address that no other test and no other run has."""
    return f"ann-{secrets.token_hex(6)}@example.org"
