"""What is measured, one class a subject: `prepare` once, then `run(side)` in turns, each adding its figures."""

import asyncio
import hashlib
import itertools
import json
import os
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from bench.load import Answers, MakeRequest, Target, percentile, request, run
from bench.oplog import Oplog
from bench.report import Memory, Metric, Results, shown
from bench.world import SIDES, World

CONNECTIONS = 64
SESSIONS = 200
SESSION_COOKIE = "__Host-www.tokyoflash.com-session"
PAGE = "/api/orders/products/TF-TOKI-10"
SOLD_OUT = "TF-SHINRIN-06"
ADDRESS = {"line1": "1-2-3 Jingumae", "city": "Shibuya", "postcode": "150-0001", "country": "JP"}
_REQUEST_ID = "0123456789abcdef0123456789abcdef"  # the gateway sends one with each question
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


class Section(Protocol):
    """One subject."""

    most_rounds: int
    """Where a round takes long, fewer must do."""

    async def prepare(self, world: World) -> None:
        """Start what it needs, on both sides."""

    async def run(self, world: World, side: str, results: Results) -> None:
        """One round of one side."""

    def memory(self) -> list[Memory]:
        """Of processes that are gone by the end."""


class Sessions:
    """Sessions of customers, put into auth's database as a log-in leaves them."""

    def __init__(self) -> None:
        self.tokens = [os.urandom(32).hex() for _ in range(SESSIONS)]
        self._next = itertools.cycle(self.tokens)
        self._stored = False

    def cookie(self) -> str:
        return f"{SESSION_COOKIE}={next(self._next)}"

    def check(self) -> bytes:
        """The gateway's question to auth."""
        headers = {"Cookie": self.cookie(), "X-Audience": "orders", "X-Request-Id": _REQUEST_ID}
        return request("GET", "/internal/identity", host="localhost", headers=headers)

    def page(self) -> bytes:
        """A customer looks at a watch."""
        return request("GET", PAGE, host="localhost", headers={"Cookie": self.cookie()})

    async def store(self, world: World) -> None:
        """Once, whichever sections run."""
        if self._stored:
            return
        self._stored = True
        now = datetime.now(UTC)
        documents = [
            {
                "_id": hashlib.sha256(token.encode()).digest(), "id": str(uuid.uuid4()), "account_id": f"account-{n}",
                "roles": ["customer"], "fresh": True, "confirmed_at": now, "device": "bench", "created_at": now,
                "seen_at": now, "expires_at": now + timedelta(days=1),
            }
            for n, token in enumerate(self.tokens)
        ]  # fmt: skip
        for side in SIDES:
            await world.collection(side, "auth", "sessions").insert_many(documents)


class Http:
    """Requests straight to a service, or through the gateway with a session's cookie."""

    most_rounds = 99

    def __init__(self, seconds: float, sessions: Sessions) -> None:
        self._seconds = seconds
        self._sessions = sessions

    def direct(self, world: World, side: str, service: str) -> Target:
        return Target(world.sides[side].ports[service])

    def gateway(self, world: World, side: str) -> Target:
        return Target(world.sides[side].ports["gateway"], world.tls)

    def memory(self) -> list[Memory]:
        return []

    async def load(
        self, target: Target, make: MakeRequest, results: Results, name: str, *, proof: bytes = b""
    ) -> Answers:
        answers = await run(target, make, connections=CONNECTIONS, seconds=self._seconds, proof=proof)
        judge(answers, results, name)
        return answers

    async def start(self, world: World, *services: str) -> None:
        for service in services:
            await world.start("ours", service)
            if service == "orders":
                await world.share_catalogue()
            await world.start("raw", service)
        for side in SIDES:
            await world.start_gateway(side)


def judge(answers: Answers, results: Results, name: str) -> None:
    """More than one in a thousand that is no success is trouble."""
    bad = answers.statuses.total() - answers.good
    if bad > answers.statuses.total() / 1000:
        results.troubles.append(f"{name}: {dict(answers.statuses)} {answers.sample[:600]!r}")


class Checkouts(Http):
    """A purchase of one watch: guests straight to orders, customers with a session through the gateway."""

    STRAIGHT = Metric("checkouts, straight to the service", "/s", least_ratio=0.6)
    THROUGH = Metric("checkouts, through the gateway", "/s")
    P99 = shown("checkouts, straight: p99 of an answer", "ms")
    CPU = shown("checkouts, straight: CPU of orders for each", "ms")

    def __init__(self, seconds: float, sessions: Sessions) -> None:
        super().__init__(seconds, sessions)
        self._skus: Any = iter(())

    async def prepare(self, world: World) -> None:
        await self._sessions.store(world)
        await self.start(world, "auth", "orders")
        found = await world.collection("ours", "orders", "products").distinct("_id")
        self._skus = itertools.cycle(sku for sku in found if sku != SOLD_OUT)

    async def run(self, world: World, side: str, results: Results) -> None:
        cpu_s = world.sides[side].processes["orders"].cpu_s
        straight = await self.load(
            self.direct(world, side, "orders"), self._checkout, results, f"{side} checkouts, straight"
        )
        cpu_s = world.sides[side].processes["orders"].cpu_s - cpu_s
        through = await self.load(
            self.gateway(world, side), self._signed_in, results, f"{side} checkouts, through the gateway"
        )
        results.add(side, self.STRAIGHT, straight.per_second)
        results.add(side, self.THROUGH, through.per_second)
        results.add(side, self.P99, percentile(straight.latencies_s, 0.99) * 1000)
        results.add(side, self.CPU, cpu_s * 1000 / max(straight.good, 1))

    def _signed_in(self) -> bytes:
        return self._checkout({"Cookie": self._sessions.cookie(), "Sec-Fetch-Site": "same-origin"})

    def _checkout(self, headers: dict[str, str] | None = None) -> bytes:
        # Letters only: a run of digits in a key may look like a card number, and is refused.
        number = uuid.uuid4().hex.translate(_LETTERS)
        body = json.dumps({
            "lines": [{"sku": next(self._skus), "quantity": 1}],
            "currency": "JPY",
            "contact": {"name": "Hanako Yamada", "email": f"hanako.{number[:12]}@example.com"},
            "shipping": ADDRESS,
            "card": {"number": "4242 4242 4242 4242", "expiry": "12/34", "cvc": "123", "holder": "H. Yamada"},
            "newsletter": False,
        }).encode()  # fmt: skip
        return request(
            "POST", "/api/orders", host="localhost", headers={"Idempotency-Key": number, **(headers or {})}, body=body
        )


class SessionChecks(Http):
    """Whose session is it: asked of auth as the gateway does, and as part of a request that costs next to nothing."""

    STRAIGHT = Metric("session checks, straight to auth", "/s")
    THROUGH = Metric("a page with a session, through the gateway", "/s")
    CPU = shown("session checks, straight: CPU of auth for each", "ms")

    async def prepare(self, world: World) -> None:
        await self._sessions.store(world)
        await self.start(world, "auth", "orders")

    async def run(self, world: World, side: str, results: Results) -> None:
        cpu_s = world.sides[side].processes["auth"].cpu_s
        straight = await self.load(
            self.direct(world, side, "auth"),
            self._sessions.check,
            results,
            f"{side} session checks",
            proof=b"x-identity: ey",
        )
        cpu_s = world.sides[side].processes["auth"].cpu_s - cpu_s
        through = await self.load(
            self.gateway(world, side), self._sessions.page, results, f"{side} page with a session"
        )
        results.add(side, self.STRAIGHT, straight.per_second)
        results.add(side, self.THROUGH, through.per_second)
        results.add(side, self.CPU, cpu_s * 1000 / max(straight.good, 1))


class Purchases:
    """From the write of a paid order to its record at warranty: flat out, then at half of what ours can do.

    Both moments are read from the database's own log of writes, so that measuring costs nothing while it runs.
    """

    most_rounds = 3
    RATE = Metric("purchase to warranty record, events", "/s", least_ratio=0.6)
    CPU = shown("purchase to record: CPU of warranty for each", "ms")
    P50 = shown("commit to record at half load, p50", "ms")
    P99 = Metric("commit to record at half load, p99", "ms", most=250.0)

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._half_load = 300.0

    async def prepare(self, world: World) -> None:
        for side in SIDES:
            await world.empty_queues(side)
            await world.start(side, "warranty")

    async def run(self, world: World, side: str, results: Results) -> None:
        cpu_s = world.sides[side].processes["warranty"].cpu_s
        flat_out = await self._feed(world, side)
        cpu_s = world.sides[side].processes["warranty"].cpu_s - cpu_s
        results.add(side, self.RATE, flat_out.events_per_second)
        results.add(side, self.CPU, cpu_s * 1000 / len(flat_out.delays_s))
        if side == "ours":
            self._half_load = flat_out.events_per_second / 2
        paced = await self._feed(world, side, "--rate", str(self._half_load))
        results.add(side, self.P50, percentile(paced.delays_s, 0.5) * 1000)
        results.add(side, self.P99, percentile(paced.delays_s, 0.99) * 1000)

    def memory(self) -> list[Memory]:
        return []

    async def _feed(self, world: World, side: str, *arguments: str) -> Oplog:
        here = world.sides[side]
        oplog = await Oplog.begin(
            world.client, written=f"{here.database('orders')}.feed", recorded=f"{here.database('warranty')}.purchases"
        )
        process = await world.spawn(
            side, "orders", "-m", "bench.feed", side, "--seconds", str(self._seconds), *arguments, name="feed"
        )
        written = json.loads((await process.wait_for_end()).splitlines()[-1])["written"]
        async with asyncio.timeout(60):
            while not await oplog.read(written):
                here.processes["warranty"].check_alive()
                await asyncio.sleep(0.2)
        await world.empty_queues(side)
        return oplog
