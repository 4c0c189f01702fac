"""The scanner sees what is weak: beside a server of OpenSSL's that offers just that."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.local.certificates import ensure_certificates
from proof.hello import ALL, STRONG, VERSIONS, scan


@asynccontextmanager
async def server(folder: Path, ciphers: str, *, newest: bool = False) -> AsyncIterator[int]:
    ensure_certificates(folder, now=datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3 if newest else ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context) as listener:
        yield listener.sockets[0].getsockname()[1]


async def test_what_is_strong_is_named_and_nothing_is_weak(tmp_path: Path) -> None:
    async with server(tmp_path, "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305") as port:
        found = await scan("127.0.0.1", port, name="localhost")

    assert sorted(found.taken["TLS 1.2"]) == [0xC02C, 0xCCA9]
    assert found.weak == []
    assert found.offered == len(ALL) * len(VERSIONS)


async def test_one_suite_of_128_bits_among_strong_ones_is_found(tmp_path: Path) -> None:
    async with server(tmp_path, "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256") as port:
        found = await scan("127.0.0.1", port, name=None)

    assert found.weak == ["TLS 1.2: 0xC02B"]


async def test_128_bits_of_tls_1_3_are_found(tmp_path: Path) -> None:
    async with server(tmp_path, "ALL", newest=True) as port:
        found = await scan("127.0.0.1", port, name="localhost")

    assert "TLS 1.3: 0x1301" in found.weak
    assert set(found.taken["TLS 1.3"]) > set(STRONG) & set(found.taken["TLS 1.3"])
    assert found.taken["TLS 1.2"] == []


@pytest.mark.parametrize("suite", STRONG)
def test_every_strong_suite_is_offered(suite: int) -> None:
    assert suite in ALL
