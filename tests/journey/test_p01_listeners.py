"""P1 and P2: only the gateway speaks to the outside; whatever else listens is reached from this machine alone."""

import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.outside.shop import Shop
from proof.canaries.places import pids_of
from proof.hello import scan
from tests.recording import Tried

LISTENING = "0A"


def listeners(pids: list[int]) -> Iterator[tuple[str, int]]:
    """Address and port of every listening TCP socket of these processes (proc(5))."""
    wanted = {inode for pid in pids for inode in _sockets(pid)}
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == LISTENING and fields[9] in wanted:
                address, port = fields[1].split(":")
                yield _readable(address), int(port, 16)


def _sockets(pid: int) -> Iterator[str]:
    try:
        handles = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return
    for handle in handles:
        try:
            kind, _, inode = os.readlink(handle).partition(":[")
        except OSError:
            continue
        if kind == "socket":
            yield inode.rstrip("]")


def _readable(address: str) -> str:
    words = [address[at : at + 8] for at in range(0, len(address), 8)]
    packed = b"".join(struct.pack("=I", int(word, 16)) for word in words)
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, packed)


async def test_every_listener_is_on_this_machine_alone_and_the_gateways_is_encrypted(shop: Shop, tried: Tried) -> None:
    data = shop.stack.read()
    found = set(listeners(pids_of(data)))
    encrypted = urlsplit(data["gateway"]).port or 443

    assert {encrypted, urlsplit(data["http"]).port, data["smtp"]["port"]} <= {port for _, port in found}
    assert len(found) >= 9
    for address, port in found:
        tried(1)
        assert address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"), f"{address}:{port} is reached from outside"
    assert (await scan("127.0.0.1", encrypted, name="localhost")).taken["TLS 1.3"]


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")])
def test_a_listener_for_everybody_is_seen(family: socket.AddressFamily, address: str) -> None:
    with socket.socket(family) as open_to_all:
        open_to_all.bind((address, 0))
        open_to_all.listen(1)

        assert (address, open_to_all.getsockname()[1]) in set(listeners([os.getpid()]))
