"""The load generator: some keep-alive connections, each sending its next request when the last is answered.

A thin HTTP/1.1 client on `asyncio.Protocol`, for it shares the cores with what it measures.
"""

import asyncio
import itertools
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

MakeRequest = Callable[[], bytes]
_HEAD_END = b"\r\n\r\n"
UNPROVEN = 999


@dataclass
class Answers:
    """What came back: how often each status, and how long each answer took."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)
    sample: bytes = b""
    """One answer that was no success, for the reader of a failed run."""

    @property
    def good(self) -> int:
        return sum(count for status, count in self.statuses.items() if 200 <= status < 300)

    @property
    def per_second(self) -> float:
        return self.good / self.seconds if self.seconds else 0.0


def request(method: str, path: str, *, host: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """One request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + _HEAD_END + body


class _Connection(asyncio.Protocol):
    """Sends, waits for the whole answer, sends again until `deadline`; with `pace`, not before its next turn."""

    def __init__(
        self, make: MakeRequest, answers: Answers, deadline: float, proof: bytes, *, pace: Iterator[float] | None = None
    ) -> None:
        self._make = make
        self._proof = proof
        self._answers = answers
        self._deadline = deadline
        self._pace = pace
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self._answers.statuses[0] += 1
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head_end = self._buffer.find(_HEAD_END)
        if head_end < 0:
            return
        head = self._buffer[:head_end].lower()
        if not _is_whole(head, self._buffer[head_end + 4 :]):
            return
        status = int(head[9:12])
        if self._proof not in head:
            status = UNPROVEN
        self._answers.statuses[status] += 1
        self._answers.latencies_s.append(time.perf_counter() - self._sent_at)
        if status >= 300 and not self._answers.sample:
            self._answers.sample = self._buffer[:2000]
        self._buffer = b""
        if b"connection: close" in head or time.perf_counter() >= self._deadline:
            self._finish()
        else:
            self._next()

    def _next(self) -> None:
        now = time.perf_counter()
        # A turn that comes while the last answer is awaited counts from when it should have been.
        self._sent_at = now if self._pace is None else next(self._pace)
        if self._sent_at >= self._deadline:
            self._finish()
        elif self._sent_at > now:
            asyncio.get_running_loop().call_later(self._sent_at - now, self._send)
        else:
            self._send()

    def _send(self) -> None:
        assert self._transport is not None
        self._transport.write(self._make())

    def _finish(self) -> None:
        assert self._transport is not None
        self.done.set_result(None)
        self._transport.close()


def _is_whole(head: bytes, body: bytes) -> bool:
    at = head.find(b"content-length:")
    if at >= 0:
        return len(body) >= int(head[at + 15 :].split(b"\r\n", 1)[0])
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    return True


@dataclass(frozen=True)
class Target:
    """A port of this machine, over TLS or not; `name` is what the certificate must say."""

    port: int
    tls: ssl.SSLContext | None = None
    name: str = "localhost"


async def run(
    target: Target,
    make: MakeRequest,
    *,
    connections: int,
    seconds: float,
    proof: bytes = b"",
    per_second: float | None = None,
) -> Answers:
    """Keep `connections` busy for `seconds`; the last answers are awaited and counted.

    `proof` must stand in each answer's head (in lower case); an answer without it counts as `UNPROVEN`.
    `per_second`: so many at fixed times instead; an answer that keeps its connection from its next turn is charged
    for that turn's delay, too.
    """
    answers = Answers()
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    deadline = began + seconds

    async def one(place: int) -> None:
        pace = None if per_second is None else _turns(began, place, connections=connections, per_second=per_second)
        while time.perf_counter() < deadline:
            _, connection = await loop.create_connection(
                lambda: _Connection(make, answers, deadline, proof, pace=pace),
                "127.0.0.1",
                target.port,
                ssl=target.tls,
                server_hostname=target.name if target.tls else None,
            )
            await connection.done

    async with asyncio.timeout(seconds + 30), asyncio.TaskGroup() as group:
        for place in range(connections):
            group.create_task(one(place))
    answers.seconds = time.perf_counter() - began
    return answers


def _turns(began: float, place: int, *, connections: int, per_second: float) -> Iterator[float]:
    """When one of the connections shall send: all of them together so many a second, one after the other."""
    return (began + turn / per_second for turn in itertools.count(place + 1, connections))


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of all lie; 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
