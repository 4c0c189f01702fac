"""Answers that are the same for everybody are given again for a moment; nobody gets what was meant for somebody."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from aiohttp import DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from shared.http.app import build_api
from shared.http.kept import knows
from shared.http.routes import Answer, Call, ResponseModel, Route
from shared.http.server import Runner
from shared.testing.identity import SigningAuth, an_identity
from tests.unit.shared.shop import NOON, some_settings

PUBLIC, OWN, MISSING = "/api/orders/products/{sku}", "/api/orders/{id}", "/api/orders/missing"


class View(ResponseModel):
    asked: int
    who: str


class _AsServed(TestServer):
    """As services are served, not by aiohttp's own runner."""

    async def _make_runner(self, **kwargs: Any) -> Runner:
        return Runner(self.app, **kwargs)


class Counting:
    """Says how often it was really asked, and by whom."""

    def __init__(self) -> None:
        self.asked = 0
        self.fresh_s = 60.0

    async def answer(self, call: Call[None, None]) -> Answer:
        self.asked += 1
        who = call.identity.subject if call.identity else ""
        fresh_s = 0 if call.request.path.endswith("o-1") else self.fresh_s
        return Answer(200, View(asked=self.asked, who=who), headers={"ETag": '"tag"'}, public_for_s=fresh_s)

    async def missing(self, _call: Call[None, None]) -> Answer:
        self.asked += 1
        return Answer(404, public_for_s=self.fresh_s)


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def auth() -> SigningAuth:
    return SigningAuth("orders", lambda: NOON)


@pytest.fixture
async def client(counting: Counting, auth: SigningAuth) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    answers = {200: View, 304: None}
    routes = [
        Route("GET", MISSING, counting.missing, "Nothing", answers={404: None}),
        Route("GET", PUBLIC, counting.answer, "Public", answers=answers),
        Route("GET", OWN, counting.answer, "Own", answers=answers),
    ]
    app = build_api(some_settings(), routes=routes, identities=auth.verifier, ready=_ready)
    async with TestClient(_AsServed(app), cookie_jar=DummyCookieJar()) as client:
        yield client


def _but_for(headers: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() not in names}


async def _ready() -> dict[str, bool]:
    return {}


async def test_it_is_made_once_and_given_again_with_its_headers(client, counting):
    first = await client.get("/api/orders/products/TF-1", headers={"X-Request-Id": "r-1"})
    second = await client.get("/api/orders/products/TF-1", headers={"X-Request-Id": "r-2"})

    assert counting.asked == 1
    assert await second.read() == await first.read()
    assert (first.headers["X-Request-Id"], second.headers["X-Request-Id"]) == ("r-1", "r-2")
    alike = [_but_for(answer.headers, "date", "x-request-id") for answer in (first, second)]
    assert alike[0] == alike[1]


async def test_what_is_kept_needs_no_route_to_be_found(client, counting, monkeypatch):
    await client.get("/api/orders/products/TF-1")
    sought: list[str] = []
    monkeypatch.setattr(client.app.router, "resolve", lambda request: sought.append(request.path))

    known = await client.get("/api/orders/products/TF-1")

    assert (known.status, counting.asked, sought) == (200, 1, [])


async def test_each_path_and_query_has_its_own(client, counting):
    for path in ("TF-1", "TF-2", "TF-1?limit=1"):
        await client.get(f"/api/orders/products/{path}")

    assert counting.asked == 3


async def test_who_has_the_tag_already_gets_no_body(client, counting):
    await client.get("/api/orders/products/TF-1")

    known = await client.get("/api/orders/products/TF-1", headers={"If-None-Match": 'W/"other", W/"tag"'})
    other = await client.get("/api/orders/products/TF-1", headers={"If-None-Match": '"other"'})

    assert (known.status, await known.read(), known.headers["ETag"]) == (304, b"", '"tag"')
    assert other.status == 200
    assert counting.asked == 1


async def test_who_has_an_identity_is_never_answered_from_memory(client, counting, auth):
    await client.get("/api/orders/products/TF-1")

    own = await client.get("/api/orders/products/TF-1", headers=auth.headers(an_identity("a-7")))
    forged = await client.get("/api/orders/products/TF-1", headers={"X-Identity": "forged"})
    anonymous = await client.get("/api/orders/products/TF-1")

    assert (await own.json())["who"] == "a-7"
    assert forged.status == 401
    assert (await anonymous.json())["who"] == ""


@pytest.mark.parametrize("path", ["/api/orders/o-1", MISSING])
async def test_what_is_not_public_or_no_success_is_made_each_time(client, counting, path):
    for _ in range(2):
        await client.get(path)

    assert counting.asked == 2


async def test_other_methods_are_not_answered_from_memory(client):
    await client.get("/api/orders/products/TF-1")

    assert (await client.post("/api/orders/products/TF-1")).status == 405


@pytest.mark.parametrize(
    ("asked", "is_known"), [('"tag"', True), ('W/"tag"', True), ('"a", "tag"', True), ("*", True), ('"a"', False)]
)
def test_tags_are_compared_weakly(asked, is_known):
    assert knows(asked, '"tag"') is is_known


async def test_it_is_made_again_when_its_time_has_passed(counting, auth):
    now, counting.fresh_s = 0.0, 1.0
    routes = [Route("GET", PUBLIC, counting.answer, "Public", answers={200: View})]
    app = build_api(some_settings(), routes=routes, identities=auth.verifier, ready=_ready, monotonic=lambda: now)
    async with asyncio.timeout(10), TestClient(_AsServed(app)) as client:
        for now in (0.0, 0.9, 1.1, 1.2):  # noqa: B007 - read by the clock
            await client.get("/api/orders/products/TF-1")

    assert counting.asked == 2


async def test_there_is_an_end_to_what_is_kept(client, counting, monkeypatch):
    monkeypatch.setattr("shared.http.kept.MOST_BYTES", 100)
    for sku in ("TF-1", "TF-2", "TF-3", "TF-1"):
        await client.get(f"/api/orders/products/{sku}")

    assert counting.asked == 4


async def test_answers_that_hold_next_to_nothing_count_for_what_they_take(client, counting, monkeypatch):
    monkeypatch.setattr("shared.http.kept.MOST_BYTES", 10_000)
    for number in (*range(5), 0):
        await client.get(f"/api/orders/products/TF-1?q={number}")

    assert counting.asked == 6
