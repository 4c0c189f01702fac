"""The end of a server under load: no request is lost, though those who send them learn of the end only by it.

A proxy keeps connections and may put a request on one at the very moment at which it is closed; it must not send it
again where it may have been acted upon. So an idle connection is left to its owner, who closes it (the gateway after
2 s), each answer meanwhile closes its own, and who had connected before the door was shut is let in.
"""

import asyncio
import socket
from contextlib import suppress

from aiohttp import web

LINGER_S = 3.0
"""How long idle connections are waited for: longer than the gateway keeps one."""
_LOOK_EVERY_S = 0.02


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that `drain` can shut."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    listener.setblocking(False)
    return listener


async def drain(site: web.BaseSite, server: web.Server, listener: socket.socket) -> None:
    """Take no new connection, and wait until there is none, or for `LINGER_S`. Answers must close theirs by now."""
    listener.listen(0)  # who comes now tries again a second later, and finds the door shut
    waiting = _accepted(listener)
    await site.stop()
    loop = asyncio.get_running_loop()
    for each in waiting:
        with suppress(OSError):
            await loop.connect_accepted_socket(server, each)
    ends = loop.time() + LINGER_S
    while server.connections and loop.time() < ends:  # noqa: ASYNC110 - aiohttp tells nobody when one closes
        await asyncio.sleep(_LOOK_EVERY_S)


def _accepted(listener: socket.socket) -> list[socket.socket]:
    """All who have connected and were not let in yet."""
    found: list[socket.socket] = []
    with suppress(BlockingIOError):
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            found.append(connection)
    return found
