"""The proxy: passes everything on, and at a chosen message ends the connection on both sides, before or after it."""

import asyncio
import queue
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

from proof.cuts.reading import TO_CLIENT, TO_SERVER, Reader


@dataclass(frozen=True, slots=True)
class Cut:
    """Where: `before` or `after` a message of this name is passed on. Each is cut with this chance, `most` in all."""

    name: str
    when: Literal["before", "after"]
    chance: float = 0.3
    most: int = 8

    def __str__(self) -> str:
        return f"{self.when} {self.name}"


NEVER = Cut("", "before", chance=0)


@dataclass
class Proxy:
    """Between a client and `upstream`, listening on loopback at `port` once it runs.

    `delay_s`: each piece that travels waits for so long, from at least to at most.
    """

    upstream: tuple[str, int]
    reader: Callable[[], Reader]
    cut: Cut
    dice: random.Random
    delay_s: tuple[float, float] = (0, 0)
    port: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    history: list[str] = field(default_factory=list)
    """Each cut, with how many messages of that name had been seen."""

    async def serve(self, ready: Callable[[Callable[[], None]], None]) -> None:
        """Serve until what `ready` is given is called, from any thread."""
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        async with await asyncio.start_server(self._connected, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready(lambda: _told(loop, stop))
            await stop.wait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(*self.upstream)
        except OSError:
            writer.close()
            return
        split = self.reader()
        pumps = {
            asyncio.ensure_future(self._pump(split, TO_SERVER, reader, up_writer)),
            asyncio.ensure_future(self._pump(split, TO_CLIENT, up_reader, writer)),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for each in (writer, up_writer):
                each.close()

    async def _pump(
        self, split: Reader, direction: str, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65_536):
                if self.delay_s[1]:
                    await asyncio.sleep(self.dice.uniform(*self.delay_s))
                for name, message in split.feed(direction, data):
                    is_cut = self._decide(name)
                    if not (is_cut and self.cut.when == "before"):
                        sink.write(message)
                        await sink.drain()
                    if is_cut:
                        return

    def _decide(self, name: str) -> bool:
        if not name:
            return False
        self.seen[name] += 1
        if name != self.cut.name or len(self.history) >= self.cut.most or self.dice.random() >= self.cut.chance:
            return False
        self.history.append(f"{self.cut} number {self.seen[name]}")
        return True


def _told(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    loop.call_soon_threadsafe(stop.set)


@contextmanager
def running(proxy: Proxy) -> Iterator[Proxy]:
    """The proxy in a thread of its own, so that whatever runs here may block."""
    started: queue.Queue[Callable[[], None]] = queue.Queue()
    thread = threading.Thread(target=lambda: asyncio.run(proxy.serve(started.put)), daemon=True)
    thread.start()
    stop = started.get(timeout=10)
    try:
        yield proxy
    finally:
        stop()
        thread.join(10)
