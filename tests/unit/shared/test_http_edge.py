"""Refusals, access, cross-site rule, headers, ids and logs, through a real server."""

import asyncio
import json
import re

import pytest
import structlog
from aiohttp.test_utils import TestClient, TestServer

from shared.testing.identity import an_identity
from tests.unit.shared.shop import Shop

PREFS = "__Host-www.tokyoflash.com-prefs=en.JPY"


def order(sku="TF-1"):
    return {"lines": [{"sku": sku}]}


async def test_a_refusal_is_a_problem_with_its_code(client):
    response = await client.post("/api/orders", json=order("GONE"), headers={"X-Request-Id": "r-1"})

    assert (response.status, response.content_type) == (409, "application/problem+json")
    assert await response.json() == {
        "type": "/problems/sold-out",
        "title": "Conflict",
        "status": 409,
        "detail": "That watch is sold out.",
        "instance": "r-1",
    }


async def test_too_many_says_when_to_come_back(client):
    response = await client.post("/api/orders", json=order("FAST"))

    assert (response.status, response.headers["Retry-After"]) == (429, "7")


async def test_a_peer_that_is_away_is_503_without_its_address(client):
    response = await client.post("/api/orders", json=order("AWAY"))

    assert (response.status, response.headers["Retry-After"]) == (503, "3")
    assert "hush" not in await response.text()


async def test_a_bug_is_500_without_detail_and_its_place_is_in_the_log(client, lines):
    response = await client.post("/api/orders", json=order("BUG"))

    problem = await response.json()
    assert (response.status, problem["type"]) == (500, "/problems/internal")
    assert "detail" not in problem
    [failed] = [line for line in lines() if line["event"] == "request failed"]
    assert failed["error"] == ["builtins.KeyError"]
    assert failed["request_id"] == problem["instance"]
    assert "anna" not in json.dumps(lines())


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("PATCH", "/api/orders", 405)])
async def test_unknown_routes_and_methods_are_problems(client, method, path, status):
    response = await client.request(method, path)

    assert (response.status, response.content_type) == (status, "application/problem+json")
    if status == 405:
        assert "POST" in response.headers["Allow"]


async def test_a_browser_gets_a_page_instead_of_a_problem_but_not_from_the_api(client):
    headers = {"Accept": "text/html,*/*"}

    page = await client.get("/private", headers=headers)
    api = await client.get("/api/orders/mine", headers=headers)

    assert (page.status, page.content_type) == (401, "text/html")
    assert "Log in first." in await page.text()
    assert (api.status, api.content_type) == (401, "application/problem+json")


async def test_signed_in_routes_know_who_asks(client, auth):
    response = await client.get("/api/orders/mine", headers=auth.headers(an_identity("a-7")))

    assert (await response.json())["id"] == "a-7"
    page = await client.get("/private", headers=auth.headers(an_identity("a-7")))
    assert await page.text() == "a-7"


@pytest.mark.parametrize("path", ["/api/orders/mine", "/api/orders/desk"])
@pytest.mark.parametrize("headers", [{}, {"X-Identity": ""}])
async def test_nobody_is_401(client, path, headers):
    response = await client.get(path, headers=headers)

    assert response.status == 401
    assert response.headers["WWW-Authenticate"]


@pytest.mark.parametrize(("role", "status"), [("customer", 403), ("support", 200), ("admin", 200)])
async def test_a_role_is_needed_where_asked_for(client, auth, role, status):
    response = await client.get("/api/orders/desk", headers=auth.headers(an_identity("a-1", role)))

    assert response.status == status


@pytest.mark.parametrize("path", ["/api/orders", "/api/orders/mine", "/checkout"])
async def test_a_wrong_identity_is_refused_even_where_none_is_needed(client, path):
    response = await client.get(path, headers={"X-Identity": "forged.token.here"})

    assert response.status == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Cookie": PREFS}, 303),
        ({"Sec-Fetch-Site": "none", "Cookie": PREFS}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://localhost:8443"}, 403),
        ({"Origin": "https://localhost:8443", "Cookie": PREFS}, 303),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://localhost:8443.evil.example"}, 403),
        ({"Cookie": PREFS}, 403),
        ({"Cookie": "other=1"}, 303),
        ({}, 303),
    ],
)
async def test_another_site_cannot_post_a_form(client, shop, headers, status):
    response = await client.post("/checkout", data={"lines.0.sku": "A"}, headers=headers, allow_redirects=False)

    assert response.status == status
    assert len(shop.orders) == (status == 303)


async def test_json_and_other_methods_need_no_origin_for_a_browser_would_have_asked_first(client):
    posted = await client.post("/api/orders", json=order(), headers={"Cookie": PREFS})
    deleted = await client.delete("/api/orders/session", headers={"Cookie": PREFS})
    foreign = await client.delete("/api/orders/session", headers={"Origin": "https://evil.example"})

    assert (posted.status, deleted.status, foreign.status) == (201, 204, 403)


@pytest.mark.parametrize(
    ("content_type", "body", "is_refused"),
    [
        (None, b"", False),
        ("application/octet-stream", b"", False),
        ("application/x-www-form-urlencoded", b"", True),
        ("text/plain", b'{"lines": []}', True),
        ("multipart/form-data; boundary=x", b"--x--", True),
        (None, b'{"lines": []}', True),
    ],
)
async def test_what_a_form_of_any_site_could_send_needs_an_origin(client, content_type, body, is_refused):
    sent = {"Cookie": PREFS} | ({"Content-Type": content_type} if content_type else {})
    without = () if content_type else ("Content-Type",)

    response = await client.post("/api/orders", data=body, headers=sent, skip_auto_headers=without)

    assert (response.status == 403) is is_refused


async def test_a_route_may_be_open_to_mail_clients(client):
    response = await client.post("/one-click", headers={"Origin": "https://mail.example", "Cookie": PREFS})

    assert response.status == 200


async def test_reading_is_open_to_links_from_anywhere(client):
    response = await client.get("/checkout", headers={"Sec-Fetch-Site": "cross-site"})

    assert response.status == 200


async def test_cookies_are_locked_to_the_host(client):
    response = await client.delete("/api/orders/session")

    gone, remembered = response.headers.getall("Set-Cookie")
    assert gone.startswith('__Host-www.tokyoflash.com-session=""; ')
    assert "Max-Age=0" in gone
    assert remembered.startswith("__Host-www.tokyoflash.com-remember=x.y; ")
    for line in (gone, remembered):
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(line.split("; "))
        assert "Domain" not in line


async def test_answers_are_not_stored_or_sniffed_unless_a_handler_says_so(client):
    normal = await client.get("/api/orders")
    cached = await client.get("/api/orders/o-1")

    assert normal.headers["Cache-Control"] == "no-store"
    assert normal.headers["X-Content-Type-Options"] == "nosniff"
    assert normal.headers["Referrer-Policy"] == "no-referrer"
    assert (cached.headers["Cache-Control"], cached.headers["ETag"]) == ("private", '"1"')


async def test_pages_and_answers_have_owasps_headers(client):
    answer = await client.get("/api/orders")
    page = await client.get("/nothing", headers={"Accept": "text/html"})

    assert page.content_type == "text/html"
    of_both = {
        "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin", "X-Permitted-Cross-Domain-Policies": "none",
    }  # fmt: skip
    of_pages = {
        "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
    }  # fmt: skip
    assert of_both.items() <= answer.headers.items()
    assert (of_both | of_pages).items() <= page.headers.items()
    assert {"camera=()", "geolocation=()", "microphone=()"} <= set(page.headers["Permissions-Policy"].split(", "))
    assert not of_pages.keys() & answer.headers.keys()


@pytest.mark.parametrize("path", ["/nothing", "/api/orders/mine"])
async def test_refusals_have_the_same_headers(client, path):
    response = await client.get(path)

    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("sent", ["abc-123", "x" * 64])
async def test_the_gateways_request_id_goes_on(client, sent):
    response = await client.get("/api/orders", headers={"X-Request-Id": sent})

    assert response.headers["X-Request-Id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "<script>", "ä"])
async def test_any_other_request_id_is_replaced(client, sent):
    response = await client.get("/api/orders", headers={"X-Request-Id": sent})

    assert re.fullmatch("[0-9a-f-]{36}", response.headers["X-Request-Id"])


async def test_the_trace_reaches_the_use_case(client, shop):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    await client.post("/api/orders", json=order(), headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    await client.post("/api/orders", json=order())

    assert shop.traces[0].startswith(f"00-{trace}-")
    assert trace not in shop.traces[1]
    assert len(shop.traces[1]) == 55


async def test_the_access_log_names_the_route_and_never_path_or_query(client, lines):
    await client.get("/api/orders/anna@example.com?cursor=hush", headers={"X-Request-Id": "r-9"})
    await client.get("/wp-admin/anna?x=hush")

    first, second = [line for line in lines() if line["event"] == "request"]
    assert (first["method"], first["route"], first["status"], first["request_id"]) == (
        "GET", "/api/orders/{id}", 200, "r-9",
    )  # fmt: skip
    assert first["duration_ms"] >= 0
    assert second["route"] == "unmatched"
    assert "anna" not in json.dumps(lines())
    assert "hush" not in json.dumps(lines())


async def test_what_was_bound_for_one_request_is_gone_in_the_next(client, lines):
    await client.get("/api/orders", headers={"X-Request-Id": "r-1"})

    assert structlog.contextvars.get_contextvars() == {}


async def test_a_handler_that_takes_too_long_is_503(auth):
    shop = Shop()
    async with TestClient(TestServer(shop.build(auth=auth, handler_timeout_s=0.05))) as client, asyncio.timeout(5):
        response = await client.get("/api/orders/sleep")

        assert (response.status, (await response.json())["type"]) == (503, "/problems/unavailable")
        assert response.headers["Retry-After"]


async def test_probes_and_metrics(client, shop):
    await client.get("/api/orders/o-1")

    assert (await client.get("/livez")).status == 200
    assert await (await client.get("/readyz")).json() == {"ready": True, "missing": []}
    text = await (await client.get("/metrics")).text()
    assert 'http_request_duration_seconds_count{method="GET",route="/api/orders/{id}",status="200"}' in text


async def test_not_ready_names_what_is_missing(client, shop):
    shop.parts = {"mongo": True, "broker": False}

    response = await client.get("/readyz")

    assert (response.status, await response.json()) == (503, {"ready": False, "missing": ["broker"]})
