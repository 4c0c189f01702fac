"""What is proven against any deployment from its address alone: reads, refusals, nothing that anybody would notice.

`PROOF_AGAINST=https://shop.example` names one; else it is the stack of this checkout.
"""

import os
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import pytest

from deploy.outside.browser import Browser
from tests.outside.crawl import Page, crawl
from tests.stack import running_stack


@dataclass(frozen=True)
class Target:
    """A shop: its encrypted and its plain address, and whom its certificate is trusted by."""

    url: str
    plain: str
    tls: ssl.SSLContext

    @property
    def host(self) -> str:
        return str(urlsplit(self.url).hostname)

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 443


@pytest.fixture(scope="session")
def target() -> Target:
    if against := os.environ.get("PROOF_AGAINST", "").rstrip("/"):
        host = urlsplit(against).hostname
        return Target(against, f"http://{host}", ssl.create_default_context())
    stack = running_stack()
    data = stack.read()
    return Target(data["gateway"], data["http"], stack.tls())


@pytest.fixture
async def visitor(target: Target) -> AsyncIterator[Browser]:
    """A browser that nobody knows."""
    timeout = aiohttp.ClientTimeout(total=25, connect=5)
    connector = aiohttp.TCPConnector(ssl=target.tls, limit=8)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield Browser(target.url, session)


_PAGES: dict[str, list[Page]] = {}


@pytest.fixture
async def pages(target: Target, visitor: Browser) -> list[Page]:
    """Every page that a visitor can reach, fetched once for all tests."""
    if target.url not in _PAGES:
        _PAGES[target.url] = await crawl(visitor, target.url)
    return _PAGES[target.url]
