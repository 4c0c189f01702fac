"""Which TLS suites a server takes, asked with hand-made ClientHellos: no library stands between that could hide one.

A hello offers suites of one protocol version; the server answers with the one that it takes (ServerHello, or for
TLS 1.3 HelloRetryRequest, RFC 8446 section 4.1.3), or refuses. What it took is left out of the next offer, until it
refuses all.
"""

import asyncio
import secrets
import struct
from collections.abc import Iterable
from dataclasses import dataclass

VERSIONS = {"SSL 3.0": 0x0300, "TLS 1.0": 0x0301, "TLS 1.1": 0x0302, "TLS 1.2": 0x0303, "TLS 1.3": 0x0304}
OLD = ("SSL 3.0", "TLS 1.0", "TLS 1.1")
STRONG = {
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0xC02C: "ECDHE-ECDSA-AES256-GCM-SHA384",
    0xC030: "ECDHE-RSA-AES256-GCM-SHA384",
    0xCCA9: "ECDHE-ECDSA-CHACHA20-POLY1305",
    0xCCA8: "ECDHE-RSA-CHACHA20-POLY1305",
}
"""The suites of 256 bits that may be offered: authenticated, with a fresh key for each connection."""
ALL = (*range(0x100), *range(0xC000, 0xC100), *range(0xCC00, 0xCD00), *range(0x1300, 0x1400), *range(0xD000, 0xD010))
"""Every number that IANA has given to a suite stands in one of these ranges."""
_BATCH = 60
_PATIENCE_S = 5
_HANDSHAKE, _SERVER_HELLO = 22, 2


@dataclass(frozen=True, slots=True)
class Scan:
    """What one server took, by version, and how many offers of a suite in a version were made."""

    taken: dict[str, list[int]]
    offered: int

    @property
    def weak(self) -> list[str]:
        """What it should not have taken."""
        return [
            f"{version}: {STRONG.get(suite, f'0x{suite:04X}')}"
            for version, suites in self.taken.items()
            for suite in suites
            if version in OLD or suite not in STRONG
        ]


async def scan(host: str, port: int, *, name: str | None) -> Scan:
    """Offer every suite in every version. `name` is what the client asks for (SNI), or nothing."""
    taken: dict[str, list[int]] = {}
    for version in VERSIONS:
        taken[version] = []
        for at in range(0, len(ALL), _BATCH):
            taken[version] += await _taken_of(host, port, version, ALL[at : at + _BATCH], name)
    return Scan(taken, len(ALL) * len(VERSIONS))


async def _taken_of(host: str, port: int, version: str, suites: Iterable[int], name: str | None) -> list[int]:
    left, taken = list(suites), []
    while left:
        suite = await answer(host, port, hello(VERSIONS[version], left, name), VERSIONS[version])
        if suite is None or suite not in left:
            break
        taken.append(suite)
        left.remove(suite)
    return taken


async def answer(host: str, port: int, sent: bytes, version: int) -> int | None:
    """The suite that the server answers with in this version; None where it refuses."""
    async with asyncio.timeout(_PATIENCE_S):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(sent)
            head = await reader.readexactly(5)
            body = await reader.readexactly(struct.unpack(">H", head[3:])[0])
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        finally:
            writer.close()
    return _suite_of(head[0], body, version)


def _suite_of(kind: int, body: bytes, version: int) -> int | None:
    if kind != _HANDSHAKE or body[0] != _SERVER_HELLO:
        return None
    legacy, at = struct.unpack(">H", body[4:6])[0], 39 + body[38]
    suite = int(struct.unpack(">H", body[at : at + 2])[0])
    is_newest = b"\x00\x2b\x00\x02\x03\x04" in body[at:]
    return suite if (version == 0x0304) == is_newest and min(version, 0x0303) == legacy else None


def hello(version: int, suites: Iterable[int], name: str | None) -> bytes:
    """A ClientHello record."""
    codes = b"".join(struct.pack(">H", suite) for suite in suites)
    body = (
        struct.pack(">H", min(version, 0x0303)) + secrets.token_bytes(32) + _sized(b"", 1) + _sized(codes, 2) + b"\1\0"
    )
    if version > 0x0300:  # SSL 3.0 knows no extensions
        body += _sized(b"".join(_extensions(version, name)), 2)
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16" + struct.pack(">H", min(version, 0x0301)) + _sized(message, 2)


def _extensions(version: int, name: str | None) -> Iterable[bytes]:
    if name is not None:
        yield _extension(0, _sized(b"\0" + _sized(name.encode(), 2), 2))
    yield _extension(10, _sized(b"".join(struct.pack(">H", each) for each in (0x001D, 0x0017, 0x0018, 0x0019)), 2))
    yield _extension(11, b"\x01\x00")
    if version >= 0x0303:
        signatures = (0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0807, 0x0203, 0x0201)
        yield _extension(13, _sized(b"".join(struct.pack(">H", each) for each in signatures), 2))
    if version == 0x0304:
        yield _extension(43, b"\x02\x03\x04")
        yield _extension(51, b"\x00\x00")  # no key yet: the server asks for one, and names the suite


def _extension(kind: int, data: bytes) -> bytes:
    return struct.pack(">H", kind) + _sized(data, 2)


def _sized(data: bytes, width: int) -> bytes:
    return len(data).to_bytes(width, "big") + data
