"""What nobody should send to auth, through the gateway: refused by name, nothing changed, nothing logged."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from deploy.outside.browser import Answer, Browser
from deploy.outside.shop import Shop
from tests.journey.conftest import PASSWORD
from tests.journey.test_purchase import Address

pytestmark = pytest.mark.together
NEVER_GIVEN = "7vr6s-TW7UZR6BWnZ5Ku14L-YJo6Z2VNGXnmcqsBu-0"

CANARY = "Xq7canaryZ2"  # part of what is sent: must be in no log
MEGABYTE = 1_000_000
BAD_PASSWORDS = {
    "a megabyte": CANARY + "x" * MEGABYTE,
    "NUL": f"{CANARY} of no time at all\0",
    "too short": f"{CANARY}a",
    "empty": "",
    "common": "passwordpassword",
    "counting": "123456789012345",
    "one letter": "a" * 20,
}
BAD_ADDRESSES = {
    "quoted": f'"{CANARY} <x>"@example.org',
    "two": f"{CANARY}@example.org, b@example.org",
    "a header": f"{CANARY}@example.org\r\nBcc: b@example.org",
    "NUL": f"{CANARY}\0@example.org",
    "no domain": CANARY,
    "a literal": f"{CANARY}@[127.0.0.1]",
    "a megabyte": f"{CANARY}{'x' * MEGABYTE}@example.org",
}
BAD_BODIES = {
    "broken": b'{"email": "' + CANARY.encode(),
    "a lone surrogate": b'{"email": "ann@example.org", "password": "\\ud800 ' + CANARY.encode() + b' and so on"}',
    "not UTF-8": b'{"email": "\xff\xfe' + CANARY.encode() + b'"}',
    "deep": b"[" * 5000,
    "a list": b"[]",
    "nothing": b"",
    "a key twice": b'{"email": "a@example.org", "email": {"$ne": null}, "password": "' + CANARY.encode() + b'"}',
}


@pytest.fixture(autouse=True)
async def unlogged(shop: Shop) -> AsyncIterator[None]:
    """Whatever a test sends, no log holds it."""
    yield
    logs = shop.stack.resolve(shop.stack.read()["logs"])
    holding = [path.name for path in logs.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert not holding


def _refused(answer: Answer, *statuses: int) -> list[str]:
    """The pointers that the problem names."""
    assert answer.status in statuses, answer.text[:300]
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert CANARY not in answer.text
    return [fault["pointer"] for fault in answer.json.get("errors", [])]


@pytest.mark.parametrize("password", BAD_PASSWORDS.values(), ids=BAD_PASSWORDS)
async def test_a_password_that_will_not_do(browser: Browser, address: Address, password: str) -> None:
    account = {"email": address("ann"), "name": "Ann", "password": password}

    refused = await browser.call("POST", "/api/auth/accounts", account)

    assert _refused(refused, 413, 422) in (["/password"], [])


@pytest.mark.parametrize("email", BAD_ADDRESSES.values(), ids=BAD_ADDRESSES)
@pytest.mark.parametrize("path", ["/api/auth/accounts", "/api/auth/session", "/api/auth/password/forgot"])
async def test_an_address_that_is_none(browser: Browser, path: str, email: str) -> None:
    body = {"email": email, "name": "Ann", "password": PASSWORD}
    wanted = {"/api/auth/accounts": body, "/api/auth/session": {"email": email, "password": PASSWORD}}

    refused = await browser.call("POST", path, wanted.get(path, {"email": email}))

    assert _refused(refused, 413, 422) in (["/email"], [])


@pytest.mark.parametrize("raw", BAD_BODIES.values(), ids=BAD_BODIES)
async def test_a_body_that_cannot_be_read(shop: Shop, raw: bytes) -> None:
    connector = aiohttp.TCPConnector(ssl=shop.stack.tls())
    headers = {"Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post(f"{shop.gateway}/api/auth/session", data=raw, headers=headers) as answer,
    ):
        assert answer.status in (400, 422)
        assert answer.content_type == "application/problem+json"
        assert CANARY not in await answer.text()


async def test_an_address_that_only_looks_like_anothers_is_another(
    shop: Shop, browser: Browser, address: Address
) -> None:
    latin = address("anna")
    cyrillic = latin.replace("a", "а", 1)
    await shop.register(browser, latin, "Anna", PASSWORD)

    refused = await browser.call("POST", "/api/auth/session", {"email": cyrillic, "password": PASSWORD})

    assert refused.status in (401, 422)
    await shop.log_in(browser, latin, PASSWORD)


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/%2f%2fevil.example", "javascript:alert(1)",
     "/account@evil.example", "/account\r\nLocation: https://evil.example", " //evil.example", "/account/../../evil"],
)  # fmt: skip
async def test_after_a_login_nobody_is_sent_elsewhere(
    shop: Shop, address: Address, wanted: str, browser: Browser
) -> None:
    await shop.register(browser, address("ann"), "Ann", PASSWORD)
    connector = aiohttp.TCPConnector(ssl=shop.stack.tls())
    form = {"email": address("ann"), "password": PASSWORD, "next": wanted}
    async with (
        aiohttp.ClientSession(connector=connector, headers={"Origin": shop.gateway}) as session,
        session.post(f"{shop.gateway}/login", data=form, allow_redirects=False) as answer,
    ):
        assert answer.status in (303, 422)
        assert answer.headers.get("Location", "/account") == "/account"


@pytest.mark.parametrize("host", ["evil.example", "localhost:1", "localhost, evil.example", ""])
async def test_a_poisoned_host_never_gets_into_a_mail(
    shop: Shop, browser: Browser, address: Address, host: str
) -> None:
    email = address("ann")
    await shop.register(browser, email, "Ann", PASSWORD)

    headers = {"Host": host, "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    answer = await browser.call("POST", "/api/auth/password/forgot", {"email": email}, headers=headers)

    if answer.status == 202:
        assert (await shop.mailbox.wait(email, count=2)).link.startswith(shop.gateway)
    else:
        assert answer.status in (400, 404, 421)


async def test_a_token_works_once_however_many_come_at_once(shop: Shop, browser: Browser, address: Address) -> None:
    email = address("ann")
    await shop.register(browser, email, "Ann", PASSWORD)
    await browser.call("POST", "/api/auth/password/forgot", {"email": email}, expect=202)
    token = (await shop.mailbox.wait(email, count=2)).token
    wanted = [f"{PASSWORD}, said {number} of twelve" for number in range(12)]

    answers = await asyncio.gather(
        *(browser.call("POST", "/api/auth/password/reset", {"token": token, "password": each}) for each in wanted)
    )

    won = [each for each, answer in zip(wanted, answers, strict=True) if answer.status == 200]
    assert len(won) == 1
    assert {answer.status for answer in answers} - {200} <= {404, 409, 410}
    await shop.log_in(browser, email, won[0])
    again = await browser.call("POST", "/api/auth/password/reset", {"token": token, "password": wanted[0]})
    assert _refused(again, 404, 410) == []


@pytest.mark.parametrize("token", ["", "x" * 100_000, "\0", "../..", "ünï", "' or 1=1", NEVER_GIVEN])
@pytest.mark.parametrize("path", ["/api/auth/accounts/verify", "/api/auth/password/reset", "/api/auth/email/confirm"])
async def test_a_token_that_is_none(browser: Browser, path: str, token: str) -> None:
    body: dict[str, Any] = {"token": token} | ({"password": PASSWORD} if path.endswith("reset") else {})

    answer = await browser.call("POST", path, body)

    assert _refused(answer, 404, 413, 422) in (["/token"], [])


async def test_a_log_line_of_a_mailed_link_has_no_token(shop: Shop, browser: Browser, address: Address) -> None:
    await browser.call("POST", "/api/auth/accounts", {"email": address("a"), "name": "A", "password": PASSWORD})
    mail = await shop.mailbox.wait(address("a"))

    await browser.call("GET", mail.link.removeprefix(shop.gateway), expect=200)

    logs = shop.stack.resolve(shop.stack.read()["logs"])
    held = [path.name for path in logs.rglob("*") if path.is_file() and mail.token.encode() in path.read_bytes()]
    assert not held
    assert re.fullmatch(r"[\w-]{40,}", mail.token)
