"""Bytes that no client library would send: always an answer of the 400 class, and the server goes on."""

import asyncio

import pytest

from shared.lifecycle import listening
from tests.unit.shared.shop import some_settings

JSON = b"Content-Type: application/json\r\n"


async def raw(client, start, headers=b"", body=b""):
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(start + b" HTTP/1.1\r\nHost: x\r\n" + headers + b"Connection: close\r\n\r\n" + body)
    async with asyncio.timeout(5):
        status = int((await reader.readline()).split()[1])
    writer.close()
    return status


@pytest.mark.parametrize(
    ("start", "headers", "body", "status"),
    [
        (b"GET /api/orders?limit=%ff", b"", b"", 422),
        (b"GET /api/orders?%00=1", b"", b"", 422),
        (b"GET /api/orders/mine", b"X-Identity: \xff\xfe\r\n", b"", 401),
        (b"GET /api/orders/mine", b"X-Identity: a.b.c\r\nX-Identity: a.b.c\r\n", b"", 401),
        (b"POST /api/orders", b"Content-Type: \xff\r\nContent-Length: 0\r\n", b"", 415),
        (
            b"POST /api/orders",
            b"Content-Type: application/json; charset*=utf-8''x\r\nContent-Length: 2\r\n",
            b"{}",
            415,
        ),
        (b"POST /api/orders", JSON + b"Transfer-Encoding: chunked\r\n", b"zz\r\n", 400),
        (b"POST /api/orders", JSON + b"Content-Length: -1\r\n", b"{}", 400),
        (b"POST /api/orders", JSON + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n", 400),
        (b"POST /api/orders", JSON + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n", b"{}", 415),
        (b"TRACE /api/orders", b"", b"", 405),
        (b"CONNECT a:1", b"", b"", 404),
        (b"GET *", b"", b"", 400),
        (b"GET /api/orders?cursor=" + b"x" * 9000, b"", b"", 400),
        (b"GET /api/orders", b"X: " + b"4" * 9000 + b"\r\n", b"", 400),
    ],
)
async def test_odd_bytes_are_refused(client, shop, start, headers, body, status):
    assert await raw(client, start, headers, body) == status
    assert shop.orders == []
    assert (await client.get("/livez")).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        b'Cookie: =;;;"x"=\xff; a\r\n',
        b"Cookie: __Host-www.tokyoflash.com-prefs=\xff\r\n",
        b"Accept-Language: \xff\xfe;q=nan\r\n",
        b"traceparent: \xff\r\nX-Request-Id: \xff\r\n",
        b"Accept: \xff\r\n",
    ],
)
async def test_odd_headers_are_ignored(client, headers):
    assert await raw(client, b"GET /checkout", headers) == 200


@pytest.mark.parametrize(
    "head",
    [
        b"FOO /newsletter/unsubscribe?t=SECRET HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nIdempotency-Key: SECRET\x01\r\n\r\n",
        b"\x16\x03\x01SECRET\r\n\r\n",
    ],
)
async def test_what_cannot_be_read_is_a_problem_that_quotes_nothing(shop, auth, head):
    async with listening(shop.build(auth=auth), some_settings()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()

    assert answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert b"Content-Type: application/problem+json" in answer
    assert b"SECRET" not in answer


@pytest.mark.parametrize(
    ("length", "body"),
    [(2, b"{}"), (300, b'{"x": "' + b"y" * 291 + b'"}'), (60_000, b"x" * 60_000)],
)
@pytest.mark.parametrize("path", [b"/api/orders", b"/api/none", b"/livez"])
async def test_a_body_that_only_claims_to_be_compressed_harms_nobody(shop, auth, lines, caplog, path, length, body):
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n" % (path, length)
    async with listening(shop.build(auth=auth), some_settings()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + JSON + b"\r\n" + body[:1])
        await asyncio.sleep(0)
        writer.write(body[1:])
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"\r\n\r\n")
            if path == b"/api/orders":
                await reader.read()  # up to the end: no other request meets what is left of this one
        writer.close()

    assert answer.split()[1] == {b"/api/orders": b"415", b"/api/none": b"404", b"/livez": b"405"}[path]
    assert (b"Connection: close" in answer) == (path == b"/api/orders")
    assert [line for line in lines() if line["level"] != "info"] == []
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []
