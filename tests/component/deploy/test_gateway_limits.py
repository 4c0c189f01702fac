"""What the gateway does about too many requests, slow clients, maintenance, and a new certificate."""

import asyncio
import os
import re
import signal
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from deploy.local.certificates import renew_leaf
from deploy.local.gateway import Rates, close, render, reopen
from deploy.local.layout import write_private
from deploy.local.ports import HOST
from tests.component.deploy.conftest import Gateway

WAIT_S = 20


async def reload(gateway: Gateway) -> None:
    """Have nginx read its files anew, and wait until the workers of before have ended."""
    pid = int((gateway.stack.layout.nginx / "nginx.pid").read_text())
    before = _workers(pid)
    os.kill(pid, signal.SIGHUP)
    async with asyncio.timeout(WAIT_S):
        while not (now := _workers(pid)) or now & before:
            await asyncio.sleep(0.02)


def _workers(master: int) -> set[str]:
    return set(Path(f"/proc/{master}/task/{master}/children").read_text().split())


async def with_changes(gateway: Gateway, **changes: object) -> None:
    text = render(gateway.stack, **changes)  # type: ignore[arg-type]
    write_private(gateway.stack.layout.nginx / "nginx.conf", text)
    await reload(gateway)


async def statuses(gateway: Gateway, method: str, path: str, count: int) -> list[int]:
    async def one() -> int:
        async with gateway.client.request(method, gateway.url + path) as response:
            return response.status

    return await asyncio.gather(*(one() for _ in range(count)))


async def test_what_one_address_asks_for_is_limited_by_class_of_route(gateway: Gateway) -> None:
    await with_changes(gateway, rates=Rates(all=20, writes=2, guesses=1))

    tries = await statuses(gateway, "POST", "/api/auth/session", 30)
    writes = await statuses(gateway, "POST", "/api/orders", 30)
    reads = await statuses(gateway, "GET", "/api/orders/products", 30)

    assert set(tries) == {200, 429}
    assert 429 in writes  # a try is a write, too: how many are left depends on the time between the two
    assert tries.count(200) + writes.count(200) <= 24  # bursts: writes 8, guesses 10, and a second or two of time
    assert set(reads) == {200}
    assert len(gateway.backends["orders"].asked) == writes.count(200) + 30
    async with asyncio.timeout(WAIT_S):
        while True:  # until one comes too soon after the other
            async with gateway.client.post(gateway.url + "/api/orders") as answer:
                if answer.status == 429:
                    break
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Retry-After"] == "5"
    async with asyncio.timeout(WAIT_S):
        while await statuses(gateway, "POST", "/api/orders", 1) != [200]:
            await asyncio.sleep(0.1)


async def test_on_one_machine_nothing_is_limited(gateway: Gateway) -> None:
    assert set(await statuses(gateway, "POST", "/api/auth/session", 60)) == {200}


@pytest.mark.parametrize("sent", [b"GET / HT", b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"])
async def test_a_client_that_stops_in_the_middle_is_let_go(gateway: Gateway, sent: bytes) -> None:
    await with_changes(gateway, slow_s=1)
    tls = ssl.create_default_context(cafile=str(gateway.stack.layout.tls / "ca.pem"))
    reader, writer = await asyncio.open_connection(HOST, gateway.stack.ports["gateway"], ssl=tls)

    begun = time.monotonic()
    writer.write(sent)
    async with asyncio.timeout(WAIT_S):
        try:
            rest = await reader.read()
        except ConnectionResetError:
            rest = b""

    assert time.monotonic() - begun >= 0.9
    assert b" 200 " not in rest
    writer.close()


async def test_while_the_shop_is_closed_everybody_is_told_and_nobody_is_asked(gateway: Gateway) -> None:
    close(gateway.stack.layout.nginx)
    told = {}
    for path in ("/", "/checkout", "/api/orders/products", "/api/auth/session"):
        async with gateway.client.get(gateway.url + path) as response:
            told[path] = (response.status, response.content_type, response.headers["Retry-After"])
    async with gateway.client.get(gateway.url + "/assets/padlock.css") as style:
        assert style.status == 200

    assert told["/"] == told["/checkout"] == (503, "text/html", "5")
    assert told["/api/orders/products"] == told["/api/auth/session"] == (503, "application/problem+json", "5")
    assert [backend.asked for backend in gateway.backends.values()] == [[], [], [], []]

    reopen(gateway.stack.layout.nginx)
    assert await statuses(gateway, "GET", "/", 1) == [200]


async def test_a_new_certificate_is_taken_and_an_open_connection_goes_on(gateway: Gateway) -> None:
    before = await _serial(gateway)
    async with gateway.client.get(gateway.url + "/products") as first:
        assert first.status == 200

    renew_leaf(gateway.stack.layout.tls, now=datetime.now(UTC))
    await reload(gateway)
    async with asyncio.timeout(WAIT_S):
        while (after := await _serial(gateway)) == before:
            await asyncio.sleep(0.02)

    written = x509.load_pem_x509_certificate((gateway.stack.layout.tls / "server.pem").read_bytes())
    assert after == written.serial_number
    assert await statuses(gateway, "GET", "/products", 5) == [200] * 5


async def _serial(gateway: Gateway) -> int:
    tls = ssl.create_default_context(cafile=str(gateway.stack.layout.tls / "ca.pem"))
    _, writer = await asyncio.open_connection(HOST, gateway.stack.ports["gateway"], ssl=tls)
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(der).serial_number


async def test_who_has_found_a_hole_is_told_where_to_tell(gateway: Gateway) -> None:
    url = gateway.url + "/.well-known/security.txt"
    async with gateway.client.get(url) as response:
        assert (response.status, response.content_type, response.charset) == (200, "text/plain", "utf-8")
        fields = dict(line.split(": ", 1) for line in (await response.text()).splitlines())

    assert fields.keys() == {"Contact", "Expires", "Preferred-Languages", "Canonical"}  # RFC 9116 section 2.5
    assert re.match("(mailto|https|tel):", fields["Contact"])
    assert fields["Canonical"] == url
    left = datetime.fromisoformat(fields["Expires"]) - datetime.now(UTC)
    assert timedelta(days=200) < left < timedelta(days=365)


async def test_a_closed_or_limited_gateway_leaves_nothing_in_its_error_log(gateway: Gateway) -> None:
    await with_changes(gateway, rates=Rates(all=1, writes=1, guesses=1))
    marker = "?t=secret-of-a-link"

    await statuses(gateway, "GET", f"/newsletter/unsubscribe{marker}", 20)

    assert marker not in gateway.stack.layout.log_file("gateway").read_text()
