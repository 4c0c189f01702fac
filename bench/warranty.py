"""What is asked of warranty beside `sections.Purchases`: a long backlog, and the desk with many claims."""

import asyncio
import hashlib
import os
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import aiohttp

from bench.load import Target, percentile, request, run
from bench.many_claims import documents
from bench.processes import Process
from bench.report import Memory, Metric, Results, shown
from bench.sections import SESSION_COOKIE, judge
from bench.world import World

BACKLOG = 100_000
CLAIMS = 200_000
MOST_MS = 50.0
PAGES = (
    (
        "/desk/warranty",
        Metric(f"desk page with {CLAIMS:,} claims, p99", "ms", most=MOST_MS),
        shown(f"desk page with {CLAIMS:,} claims, p50", "ms"),
    ),
    (
        "/api/warranty/desk/claims?limit=50",
        Metric(f"50 claims of the queue with {CLAIMS:,}, p99", "ms", most=MOST_MS),
        shown(f"50 claims of the queue with {CLAIMS:,}, p50", "ms"),
    ),
)
_A_COMMAND = 5_000


class Backlog:
    """Purchases that have piled up while warranty was down: drained by one new process, its memory sampled."""

    most_rounds = 1
    RATE = shown(f"backlog of {BACKLOG:,} purchases, drained", "/s")
    GROWTH = Metric("backlog: memory of warranty, a tenth to its highest", "MB", most=16.0)
    HIGHEST = shown("backlog: memory of warranty at its highest", "MB")
    CPU = shown("backlog: CPU of warranty for each", "ms")

    def __init__(self) -> None:
        self._is_warm = False

    async def prepare(self, world: World) -> None:
        await world.empty_queues("ours")
        await world.run_ours("warranty", "indexes")

    async def run(self, world: World, side: str, results: Results) -> None:
        if side == "raw" or not self._is_warm:
            self._is_warm = self._is_warm or side == "ours"  # the round that is not counted
            return
        feed = await world.spawn("ours", "orders", "-m", "bench.backlog", "--count", str(BACKLOG), name="backlog")
        await feed.wait_for_end(seconds=120)
        records = world.collection("ours", "warranty", "purchases")
        before = await records.estimated_document_count()
        process = await world.spawn("ours", "warranty", "-m", "services.warranty", "work", name="warranty-backlog")
        samples = await _drained(process, records, before, before + BACKLOG)
        cpu_s = process.cpu_s
        await process.stop()
        self._report(samples, cpu_s, results)

    def _report(self, samples: Sequence["Sample"], cpu_s: float, results: Results) -> None:
        began = next(each for each in samples if each.done)
        seconds = samples[-1].at - began.at
        warm = next(each for each in samples if each.done >= BACKLOG // 10)
        highest = max(each.rss_mb for each in samples)
        figures = [
            (self.RATE, (BACKLOG - began.done) / seconds),
            (self.GROWTH, max(max(each.rss_mb for each in samples if each.at >= warm.at) - warm.rss_mb, 0.1)),
            (self.HIGHEST, highest),
            (self.CPU, cpu_s * 1000 / BACKLOG),
        ]
        for metric, value in figures:
            results.add("ours", metric, value)
            results.add("raw", metric, 0.0)  # nothing to compare with

    def memory(self) -> list[Memory]:
        return []


class Sample:
    """How far a backlog was drained, and what its process took then."""

    __slots__ = ("at", "done", "rss_mb")

    def __init__(self, done: int, rss_mb: float) -> None:
        self.at, self.done, self.rss_mb = time.perf_counter(), done, rss_mb


async def _drained(process: Process, records: Any, before: int, wanted: int) -> list[Sample]:
    samples: list[Sample] = []
    async with asyncio.timeout(150):
        while True:
            process.check_alive()
            count = await records.estimated_document_count()
            samples.append(Sample(count - before, process.rss_mb))
            if count >= wanted:
                return samples
            await asyncio.sleep(0.2)


class ClaimQueue:
    """The desk's page and the call behind it, one request at a time, with so many claims stored."""

    most_rounds = 3

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._token = os.urandom(32).hex()

    async def prepare(self, world: World) -> None:
        for service in ("auth", "warranty"):
            await world.start("ours", service)
        await _store_session(world, self._token)
        claims = world.collection("ours", "warranty", "claims")
        batch: list[dict[str, Any]] = []
        for document in documents(CLAIMS, now=datetime.now(UTC)):
            batch.append(document)
            if len(batch) == _A_COMMAND:
                await claims.insert_many(batch, ordered=False)
                batch = []

    async def run(self, world: World, side: str, results: Results) -> None:
        if side == "raw":
            return
        headers = {"X-Identity": await self._identity(world), "X-Request-Id": "r-1", "Accept": "*/*"}
        target = Target(world.sides["ours"].ports["warranty"])
        for path, p99, p50 in PAGES:
            page = request("GET", path, host="localhost", headers=headers)
            answers = await run(target, partial(bytes, page), connections=1, seconds=self._seconds)
            judge(answers, results, path)
            for metric, share in ((p99, 0.99), (p50, 0.5)):
                results.add("ours", metric, percentile(answers.latencies_s, share) * 1000)
                results.add("raw", metric, 0.0)  # nothing to compare with

    async def _identity(self, world: World) -> str:
        """What the gateway would add for support, good for a minute."""
        auth = f"http://127.0.0.1:{world.sides['ours'].ports['auth']}/internal/identity"
        headers = {"Cookie": f"{SESSION_COOKIE}={self._token}", "X-Audience": "warranty", "X-Request-Id": "0" * 32}
        async with aiohttp.ClientSession() as client, client.get(auth, headers=headers) as answer:
            return answer.headers["X-Identity"]

    def memory(self) -> list[Memory]:
        return []


async def _store_session(world: World, token: str) -> None:
    now = datetime.now(UTC)
    await world.collection("ours", "auth", "sessions").insert_one({
        "_id": hashlib.sha256(token.encode()).digest(), "id": str(uuid.uuid4()), "account_id": "bench-support",
        "roles": ["support"], "fresh": True, "confirmed_at": now, "device": "bench", "created_at": now, "seen_at": now,
        "expires_at": now + timedelta(days=1),
    })  # fmt: skip
