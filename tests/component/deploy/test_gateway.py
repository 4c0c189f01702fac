import asyncio
import json
import ssl

import aiohttp
import pytest
from aiohttp import web

from deploy.local.gateway import arguments, gateway_part
from deploy.local.ports import HOST
from shared.http.middleware import OF_EVERY_ANSWER, OF_EVERY_PAGE
from tests.component.deploy.conftest import SESSION, Backend, Gateway

TOKEN = {"Cookie": f"__Host-www.tokyoflash.com-prefs=en.JPY; {SESSION}=abc"}
REMEMBERED = {"Cookie": "__Host-www.tokyoflash.com-remember=xyz"}


async def known(request: web.Request) -> web.StreamResponse:
    return web.Response(headers={"X-Identity": f"signed-for-{request.headers['X-Audience']}"})


async def returning(request: web.Request) -> web.StreamResponse:
    headers = {"X-Identity": "signed", "X-Set-Session": f"{SESSION}=new; Path=/", "X-Set-Remember": "r=2; Path=/"}
    return web.Response(headers=headers)


async def seen_headers(gateway: Gateway, path: str, **headers: str) -> dict[str, str]:
    async with gateway.client.get(gateway.url + path, headers=headers) as response:
        assert response.status == 200
        seen: dict[str, str] = (await response.json())["headers"]
        return seen


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/", "orders"),
        ("/products/w-1", "orders"),
        ("/products/w-1.svg", "orders"),
        ("/checkout", "orders"),
        ("/orders/o-1", "orders"),
        ("/desk", "orders"),
        ("/desk/orders", "orders"),
        ("/desk/warranty", "warranty"),
        ("/desk/newsletter", "mailer"),
        ("/desk/newsletter/c-1/report", "mailer"),
        ("/api/orders", "orders"),
        ("/api/orders/products?limit=2", "orders"),
        ("/register", "auth"),
        ("/login?next=/account", "auth"),
        ("/logout", "auth"),
        ("/verify?t=abc", "auth"),
        ("/account", "auth"),
        ("/privacy", "auth"),
        ("/.well-known/jwks.json", "auth"),
        ("/.well-known/change-password", "auth"),
        ("/api/auth/session", "auth"),
        ("/newsletter", "mailer"),
        ("/newsletter/unsubscribe?t=abc", "mailer"),
        ("/api/mailer/subscriptions", "mailer"),
        ("/warranty", "warranty"),
        ("/api/warranty/purchases", "warranty"),
        ("/api/warranty/openapi.json", "warranty"),
    ],
)
async def test_each_path_reaches_its_service_as_it_was_asked(gateway: Gateway, path: str, service: str) -> None:
    async with gateway.client.get(gateway.url + path) as response:
        assert (await response.json())["path"] == path

    assert [len(backend.asked) for name, backend in gateway.backends.items() if name != service] == [0, 0, 0]
    assert len(gateway.backends[service].asked) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/livez",
        "/readyz",
        "/metrics",
        "/internal/identity",
        "/_identity",
        "/_errors/503.html",
        "/api/orders/internal/identity",
        "/api/unknown/x",
        "/api",
        "/ordersx",
        "/api/orders/../../internal/identity",
        "/api/orders/%2e%2e/%2e%2e/internal/identity",
        "/internal/identity/%2e%2e/%2e%2e/api/orders/products",
        "/api/orders//products",
        "/api/orders/..%2f..%2fmetrics",
        "/nothing",
    ],
)
async def test_what_is_not_public_is_not_found(gateway: Gateway, path: str) -> None:
    answer = await raw(gateway, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert all(backend.asked == [] for backend in [*gateway.backends.values(), gateway.identity])


async def test_what_a_query_holds_is_no_detour(gateway: Gateway) -> None:
    answer = await raw(
        gateway, "GET /api/orders/a%20b?next=//x/../%2e HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert len(gateway.backends["orders"].asked) == 1


async def raw(gateway: Gateway, request: str, *, part: str = "gateway") -> bytes:
    tls = ssl.create_default_context(cafile=str(gateway.stack.layout.tls / "ca.pem")) if part == "gateway" else None
    reader, writer = await asyncio.open_connection(
        HOST, gateway.stack.ports[part], ssl=tls, server_hostname="localhost" if tls else None
    )
    writer.write(request.encode())
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("start", ["FOO /newsletter/unsubscribe?t=SECRET", "TRACE /api/orders/products"])
async def test_a_method_that_nobody_uses_ends_at_the_gateway(gateway: Gateway, start: str) -> None:
    answer = await raw(gateway, f"{start} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 405 ")
    assert b"Strict-Transport-Security: max-age=63072000" in answer
    assert b"SECRET" not in answer
    assert all(backend.asked == [] for backend in [*gateway.backends.values(), gateway.identity])


OTHER_VALUE = {"Content-Security-Policy", "Cache-Control"}
"""The gateway's own pages have no form and may be less fresh."""


async def test_errors_of_the_gateway_are_problems_for_programs_and_pages_for_people(gateway: Gateway) -> None:
    async with gateway.client.get(gateway.url + "/api/none") as response:
        assert response.content_type == "application/problem+json"
        assert (await response.json())["type"] == "/problems/not-found"
    async with gateway.client.get(gateway.url + "/none") as response:
        assert response.content_type == "text/html"
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        own = {name: response.headers[name] for name in OF_EVERY_PAGE | OF_EVERY_ANSWER if name not in OTHER_VALUE}
        assert own == {name: value for name, value in (OF_EVERY_PAGE | OF_EVERY_ANSWER).items() if name in own}
        assert response.headers["Server"] == "nginx"  # no version


@pytest.mark.parametrize(
    "path",
    [
        "/api/orders/%2e%2e/x",
        "/api/orders//products",
        "/api/orders/products/.",
        "/api/orders/products/..?q=1",
        "/api/orders/%20%3F%5C",  # read again, a blank and a question mark would end the path
        "/api/orders/%20%3F%2e%2e/x",
    ],
)
async def test_a_detour_in_the_api_is_a_problem_for_programs_too(gateway: Gateway, path: str) -> None:
    answer = await raw(gateway, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 ")
    assert b"Content-Type: application/problem+json" in head
    assert b"Strict-Transport-Security: max-age=63072000" in head
    assert json.loads(body)["type"] == "/problems/not-found"


async def test_a_signed_identity_for_the_right_service_replaces_what_the_client_claims(gateway: Gateway) -> None:
    gateway.identity.answer = known

    seen = await seen_headers(
        gateway, "/api/warranty/purchases", **TOKEN, **{"X-Identity": "forged", "X-Audience": "orders"}
    )

    assert seen["X-Identity"] == "signed-for-warranty"
    assert "X-Audience" not in seen


async def test_the_identity_check_sees_the_cookies_and_nothing_forged(gateway: Gateway) -> None:
    gateway.identity.answer = known

    await seen_headers(gateway, "/api/orders", **TOKEN, **{"X-Identity": "forged", "X-Audience": "auth"})

    [question] = gateway.identity.asked
    assert question.headers["Cookie"] == TOKEN["Cookie"]
    assert question.headers["X-Audience"] == "orders"
    assert question.headers.getall("X-Identity", []) == []
    assert question.method == "GET"


async def test_the_identity_check_gets_no_body(gateway: Gateway) -> None:
    gateway.identity.answer = known

    async with gateway.client.post(gateway.url + "/api/orders", json={"a": 1}, headers=TOKEN) as response:
        assert response.status == 200

    [question], [request] = gateway.identity.asked, gateway.backends["orders"].asked
    assert await question.read() == b""
    assert await request.json() == {"a": 1}


@pytest.mark.parametrize("cookies", ["", "__Host-www.tokyoflash.com-prefs=en.JPY", f"{SESSION}="])
async def test_a_guest_is_nobody_and_auth_is_not_asked(gateway: Gateway, cookies: str) -> None:
    seen = await seen_headers(gateway, "/api/orders/products", **{"Cookie": cookies, "X-Identity": "forged"})

    assert "X-Identity" not in seen
    assert gateway.identity.asked == []


async def test_a_remembered_browser_is_asked_about_and_gets_its_cookies(gateway: Gateway) -> None:
    gateway.identity.answer = returning

    async with gateway.client.get(gateway.url + "/account", headers=REMEMBERED) as response:
        cookies = response.headers.getall("Set-Cookie")
        assert (await response.json())["headers"]["X-Identity"] == "signed"

    assert cookies == [f"{SESSION}=new; Path=/", "r=2; Path=/"]
    assert "X-Set-Session" not in response.headers


async def test_a_logout_wins_over_the_session_that_the_check_renewed(gateway: Gateway) -> None:
    async def log_out(request: web.Request) -> web.StreamResponse:
        response = web.Response(headers={"Set-Cookie": f"{SESSION}=; Max-Age=0"})
        response.headers.add("Set-Cookie", "x-remember=; Max-Age=0")
        return response

    gateway.identity.answer = returning
    gateway.backends["auth"].answer = log_out

    async with gateway.client.delete(gateway.url + "/api/auth/session", headers=REMEMBERED) as response:
        cookies = response.headers.getall("Set-Cookie")

    assert cookies == [f"{SESSION}=; Max-Age=0", "x-remember=; Max-Age=0"]


async def test_while_auth_is_away_guests_buy_and_others_are_asked_to_wait(gateway: Gateway) -> None:
    await gateway.stop("auth")

    async with gateway.client.post(gateway.url + "/api/orders", json={}) as response:
        assert response.status == 200
    async with gateway.client.post(gateway.url + "/api/orders", json={}, headers=TOKEN) as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "5"
        assert (await response.json())["type"] == "/problems/unavailable"
    assert len(gateway.backends["orders"].asked) == 1


async def test_a_service_that_is_away_is_a_503_and_the_others_work(gateway: Gateway) -> None:
    await gateway.stop("warranty")

    async with gateway.client.get(gateway.url + "/api/warranty/purchases") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "5")
        assert response.content_type == "application/problem+json"
    async with gateway.client.get(gateway.url + "/warranty") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "5")
        assert response.content_type == "text/html"
    async with gateway.client.get(gateway.url + "/api/orders/products") as response:
        assert response.status == 200


async def test_answers_of_a_service_pass_unchanged(gateway: Gateway) -> None:
    async def busy(request: web.Request) -> web.StreamResponse:
        headers = {"Retry-After": "7", "Content-Type": "application/problem+json"}
        return web.Response(status=503, text='{"type": "/problems/broker"}', headers=headers)

    gateway.backends["orders"].answer = busy

    async with gateway.client.get(gateway.url + "/api/orders/products") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "7")
        assert await response.json() == {"type": "/problems/broker"}


async def test_a_write_whose_answer_is_lost_is_not_repeated(gateway: Gateway) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.abort()
        return web.Response()

    orders = gateway.backends["orders"]
    async with gateway.client.get(gateway.url + "/api/orders/products") as response:
        assert response.status == 200  # leaves a kept connection behind
    orders.answer = hang_up

    async with gateway.client.post(gateway.url + "/api/orders", json={}) as response:
        assert response.status == 503

    assert [request.method for request in orders.asked] == ["GET", "POST"]


@pytest.mark.parametrize("path", ["/api/orders", "/checkout"])
async def test_a_body_over_the_limit_never_reaches_a_service(gateway: Gateway, path: str) -> None:
    async with gateway.client.post(gateway.url + path, data=b"x" * 65537) as response:
        assert response.status == 413
        if path.startswith("/api/"):
            assert json.loads(await response.read())["type"] == "/problems/body-too-large"

    assert gateway.backends["orders"].asked == []


@pytest.mark.parametrize("path", ["/api/orders", "/checkout"])
@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "GZIP"])
async def test_a_compressed_body_never_reaches_a_service(gateway: Gateway, path: str, encoding: str) -> None:
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    async with gateway.client.post(gateway.url + path, data=b"{}", headers=headers) as response:
        assert response.status == 415
        if path.startswith("/api/"):
            assert json.loads(await response.read())["type"] == "/problems/unsupported-media-type"
        else:
            assert response.content_type == "text/html"

    assert gateway.backends["orders"].asked == []


async def test_a_body_that_is_said_to_be_plain_passes(gateway: Gateway) -> None:
    headers = {"Content-Encoding": "identity"}
    async with gateway.client.post(gateway.url + "/api/orders", data=b"{}", headers=headers) as response:
        assert response.status == 200


async def test_a_body_at_the_limit_passes(gateway: Gateway) -> None:
    async with gateway.client.post(gateway.url + "/api/orders", data=b"x" * 65536) as response:
        assert response.status == 200


async def test_a_body_without_a_length_is_limited_too(gateway: Gateway) -> None:
    async def endless() -> "aiohttp.typedefs.AsyncIterator[bytes]":  # type: ignore[name-defined]
        for _ in range(80):
            yield b"x" * 1024

    async with gateway.client.post(gateway.url + "/api/orders", data=endless()) as response:
        assert response.status == 413

    assert gateway.backends["orders"].asked == []


async def test_names_that_services_trust_are_the_gateways_own(gateway: Gateway) -> None:
    seen = await seen_headers(
        gateway,
        "/api/orders/products",
        **{
            "X-Request-Id": "mine",
            "X-Forwarded-For": "1.2.3.4",
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Host": "evil.example",
            "X-Real-IP": "1.2.3.4",
            "Forwarded": "for=1.2.3.4",
            "Authorization": "Bearer x",
            "baggage": "a=b",
            "Host": "evil.example",
            "Accept-Encoding": "gzip",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
    )

    assert seen["X-Forwarded-For"] == HOST
    assert seen["X-Forwarded-Proto"] == "https"
    assert seen["Host"] == gateway.url.removeprefix("https://")
    assert len(seen["X-Request-ID"]) == 32
    assert seen["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    dropped = {"X-Forwarded-Host", "X-Real-IP", "Forwarded", "Authorization", "baggage", "Accept-Encoding"}
    assert dropped.isdisjoint(seen)


async def test_auth_alone_gets_the_authorization_header(gateway: Gateway) -> None:
    seen = await seen_headers(gateway, "/api/auth/session", Authorization="Bearer x")

    assert seen["Authorization"] == "Bearer x"


async def test_connections_to_services_are_kept(gateway: Gateway) -> None:
    ports = set()

    async def note_port(request: web.Request) -> web.StreamResponse:
        assert request.transport
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.Response()

    gateway.backends["orders"].answer = note_port
    for path in ("/api/orders", "/", "/checkout"):
        async with gateway.client.get(gateway.url + path) as response:
            assert response.status == 200

    assert len(ports) == 1


@pytest.mark.parametrize("path", ["/api/orders", "/api/none", "/none", "/.well-known/jwks.json", "/assets/none"])
async def test_every_answer_asks_for_https_for_two_years(gateway: Gateway, path: str) -> None:
    async with gateway.client.get(gateway.url + path) as response:
        assert response.headers.getall("Strict-Transport-Security") == ["max-age=63072000"]
        assert response.headers["Server"] == "nginx"


async def test_plain_http_redirects_to_the_same_page(gateway: Gateway) -> None:
    url = f"http://{HOST}:{gateway.stack.ports['http']}/login?next=/account"

    async with gateway.client.get(url, allow_redirects=False, headers={"Host": "evil.example"}) as response:
        assert (response.status, response.headers["Location"]) == (301, f"{gateway.url}/login?next=/account")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_plain_http_takes_no_form(gateway: Gateway, method: str) -> None:
    answer = await raw(gateway, f"{method} /login HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", part="http")

    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert all(backend.asked == [] for backend in gateway.backends.values())


async def test_no_token_reaches_the_gateways_log(gateway: Gateway) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.abort()
        return web.Response()

    gateway.backends["auth"].answer = hang_up
    secret = "tok3n-tok3n"
    headers = {"Referer": f"{gateway.url}/verify?t={secret}", "Cookie": f"{SESSION}={secret}"}
    for path in (f"/verify?t={secret}", f"/{secret}?t={secret}", f"/api/auth/accounts/{secret}"):
        async with gateway.client.get(gateway.url + path, headers=headers) as response:
            assert response.status in {404, 503}

    log = await _logged(gateway, requests=3)
    lines = [json.loads(line) for line in log.splitlines()]
    assert secret not in log
    assert [line["route"] for line in lines] == ["/verify", "-", "/api/auth"]
    assert [line["status"] for line in lines] == [503, 404, 503]


async def _logged(gateway: Gateway, *, requests: int) -> str:
    """The access log once it has a line for each of so many requests: nginx writes after it has answered."""
    file = gateway.stack.layout.log_file("gateway")
    async with asyncio.timeout(20):
        while (text := file.read_text()).count("\n") < requests:
            await asyncio.sleep(0.02)
    return text


async def test_bodies_and_answers_leave_no_file(gateway: Gateway) -> None:
    async def long_answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"y" * 3_000_000)

    gateway.backends["orders"].answer = long_answer
    async with gateway.client.post(gateway.url + "/api/orders", data=b"x" * 65536) as response:
        files = [file for file in (gateway.stack.layout.nginx / "tmp").rglob("*") if file.is_file()]
        assert len(await response.read()) == 3_000_000

    assert files == []


async def test_nginx_finds_nothing_to_complain_about(gateway: Gateway) -> None:
    folder = gateway_part(gateway.stack).folder
    process = await asyncio.create_subprocess_exec(
        gateway.stack.programs.nginx, "-t", *arguments(folder), stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()

    assert process.returncode == 0
    assert b"[warn]" not in said
    assert b"[emerg]" not in said


def test_a_backend_remembers_what_it_was_asked() -> None:
    assert Backend("orders", 1, known).asked == []
