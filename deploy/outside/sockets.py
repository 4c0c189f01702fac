"""The sockets of a client, so that none of them outlives it."""

import socket
from contextlib import suppress

from aiohttp import AddrInfoType

from deploy.outside.patience import eventually


class Sockets:
    """Makes the sockets of an aiohttp client, and ends those that are left after its own end.

    aiohttp forgets a connection that it closes itself, such as one whose server refused a long body: the goodbye of
    TLS then waits for what is still to be sent, and the event loop may end before.
    """

    def __init__(self) -> None:
        self._made: list[socket.socket] = []

    def make(self, address: AddrInfoType) -> socket.socket:
        """See `aiohttp.TCPConnector`, `socket_factory`."""
        family, kind, protocol, _, _ = address
        self._made = [*self._left(), socket.socket(family, kind, protocol)]
        return self._made[-1]

    async def close(self) -> None:
        """Cut what is open, and wait until the transports have noticed."""
        for left in self._left():
            with suppress(OSError):  # the other side has gone
                left.shutdown(socket.SHUT_RDWR)
        await eventually(self._count, lambda left: left == 0, pause_s=0.002)

    async def _count(self) -> int:
        return len(self._left())

    def _left(self) -> list[socket.socket]:
        return [each for each in self._made if each.fileno() >= 0]
