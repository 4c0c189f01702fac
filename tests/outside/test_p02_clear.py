"""P2: nothing personal travels in clear; every answer asks for https from then on."""

import asyncio
import re
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.outside.conftest import Target
from tests.outside.crawl import Page
from tests.recording import Tried

pytestmark = pytest.mark.together

PATHS = ("/", "/checkout", "/register", "/login", "/privacy", "/api/orders", "/api/auth/session", "/verify?t=abc.def")
TAKING = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
TWO_YEARS_S = 63_072_000


async def test_asked_in_clear_a_page_is_somewhere_else_and_sets_nothing(target: Target, tried: Tried) -> None:
    async with aiohttp.ClientSession() as session:
        for path in PATHS:
            for method in ("GET", "HEAD"):
                async with session.request(method, target.plain + path, allow_redirects=False) as answer:
                    tried(1)
                    assert answer.status in (301, 308), f"{method} {path}"
                    assert answer.headers["Location"] == target.url + path
                    assert "Set-Cookie" not in answer.headers


async def test_a_form_in_clear_is_refused(target: Target, tried: Tried) -> None:
    async with aiohttp.ClientSession() as session:
        for path in PATHS:
            for method in TAKING:
                async with session.request(
                    method, target.plain + path, data="email=a", allow_redirects=False
                ) as answer:
                    tried(1)
                    assert answer.status in (400, 403, 405, 426), f"{method} {path}: {answer.status}"
                    assert "Location" not in answer.headers


async def test_plain_http_at_the_encrypted_port_says_nothing(target: Target, tried: Tried) -> None:
    reader, writer = await asyncio.open_connection(target.host, target.port)
    writer.write(f"GET /privacy HTTP/1.1\r\nHost: {target.host}\r\n\r\n".encode())
    said = await asyncio.wait_for(reader.read(200), 10)
    writer.close()

    tried(1)
    assert not said or re.match(rb"HTTP/1\.1 (400|497)", said)


async def test_every_answer_asks_for_https_for_two_years(pages: list[Page], tried: Tried) -> None:
    for page in pages:
        tried(1)
        asked = re.search(r"max-age=(\d+)", page.answer.headers.get("Strict-Transport-Security", ""))
        assert asked, page.path
        assert int(asked[1]) >= TWO_YEARS_S, page.path


async def test_no_page_names_an_address_in_clear(pages: list[Page], tried: Tried) -> None:
    for page in pages:
        for where in page.targets():
            tried(1)
            assert urlsplit(where).scheme in ("https", "data", "mailto"), f"{page.path} names {where}"


WANTED = {
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin", "X-Permitted-Cross-Domain-Policies": "none",
}  # fmt: skip


@pytest.mark.parametrize("needed", [*WANTED, "Content-Security-Policy", "Permissions-Policy"])
async def test_every_page_is_sent_with_its_protection(pages: list[Page], needed: str, tried: Tried) -> None:
    for page in (page for page in pages if page.is_html):
        tried(1)
        sent = page.answer.headers.get(needed, "")
        assert sent, page.path
        assert sent == WANTED.get(needed, sent), f"{page.path}: {sent}"
