"""What is asked of orders beside the checkouts of `bench.sections`: the least checkout, the catalogue, the way to the
broker, and memory that does not grow.
"""

import asyncio
import itertools
import json
import time
from pathlib import Path
from typing import Any

from bench.load import Answers, Target, percentile, request, run
from bench.report import Metric, Results, shown
from bench.sections import CONNECTIONS, PAGE, Checkouts, Http, Sessions, judge
from bench.world import World, free_ports

COMPARED_CPU_MS = 211.0
"""CPU of application and database for one order in the leanest of the shops that people pick (decision 4)."""
RECEIPTS = "mailer.purchases"


class LeastCheckouts(Checkouts):
    """Ours against the least checkout that charges once (`bench.raw_checkout`)."""

    STRAIGHT = Metric("checkouts, the least raw form / ours", "/s", least_ratio=0.6)
    CPU = Metric("checkouts: CPU of orders and database for each", "ms", most=COMPARED_CPU_MS / 10)

    def __init__(self, seconds: float, sessions: Sessions) -> None:
        super().__init__(seconds, sessions)
        self._least = 0

    async def prepare(self, world: World) -> None:
        await super().prepare(world)
        self._least = await start_least(world)

    async def run(self, world: World, side: str, results: Results) -> None:
        target = self.direct(world, side, "orders") if side == "ours" else Target(self._least)
        before = world.cpu_of_database_s() + world.sides["ours"].processes["orders"].cpu_s
        answers = await self.load(target, self._checkout, results, f"{side} least checkouts")
        spent = world.cpu_of_database_s() + world.sides["ours"].processes["orders"].cpu_s - before
        results.add(side, self.STRAIGHT, answers.per_second)
        results.add(side, self.CPU, spent * 1000 / max(answers.good, 1) if side == "ours" else 0.0)


class CatalogueReads(Http):
    """A product's page of the API, straight, against a bare aiohttp handler that answers the same as JSON."""

    RATE = Metric("catalogue reads, bare JSON handler / ours", "/s", least_ratio=0.7)

    def __init__(self, seconds: float, sessions: Sessions) -> None:
        super().__init__(seconds, sessions)
        self._least = 0

    async def prepare(self, world: World) -> None:
        await self.start(world, "orders")
        self._least = await start_least(world)

    async def run(self, world: World, side: str, results: Results) -> None:
        target = self.direct(world, side, "orders") if side == "ours" else Target(self._least)
        answers = await self.load(target, _read, results, f"{side} catalogue reads")
        results.add(side, self.RATE, answers.per_second)


class ToTheBroker(Checkouts):
    """From the commit that makes an order paid to its event at a consumer's, at half of what each can do.

    A write is committed when a majority has it in the journal, and orders learns of it then. The oplog's time of it is
    earlier: that of the primary, in memory.
    """

    most_rounds = 4
    P99 = Metric("commit to published event at half load, p99", "ms", most=50.0)
    P50 = shown("commit to published event at half load, p50", "ms")
    WRITTEN_P99 = shown("the same from the write in the primary's memory, p99", "ms")
    WRITTEN_P50 = shown("the same from the write in the primary's memory, p50", "ms")

    async def run(self, world: World, side: str, results: Results) -> None:
        target = self.direct(world, side, "orders")
        flat_out = await self.load(target, self._checkout, results, f"{side} checkouts before half load")
        await world.empty_queues(side)
        committed, written = await self._delays(world, side, target, flat_out.per_second / 2)
        for metric, delays, share in (
            (self.P99, committed, 0.99), (self.P50, committed, 0.5),
            (self.WRITTEN_P99, written, 0.99), (self.WRITTEN_P50, written, 0.5),
        ):  # fmt: skip
            results.add(side, metric, percentile(delays, share) * 1000)

    async def _delays(
        self, world: World, side: str, target: Target, per_second: float
    ) -> tuple[list[float], list[float]]:
        """Of each order that was paid: since its commit, and since its write."""
        consumer = await world.spawn(side, "mailer", "-m", "bench.arrivals", world.sides[side].amqp_url, RECEIPTS,
                                     name="arrivals")  # fmt: skip
        await consumer.wait_for_line("ready")
        begun = time.time()
        await run(target, self._checkout, connections=CONNECTIONS, seconds=self._seconds, per_second=per_second)
        await _silence(consumer.log)  # reading the oplog takes a core: not before the last event has come
        paid = await world.paid_moments(side, begun)  # the last ones of the full load are told in this time, too
        await _until(lambda: _moments(consumer.log).keys() >= paid.keys())
        await _until(lambda: _moments(world.acknowledged(side)).keys() >= paid.keys())
        await consumer.stop()
        arrived, committed = _moments(consumer.log), _moments(world.acknowledged(side))
        return [arrived[order] - committed[order] for order in paid], [arrived[order] - paid[order] for order in paid]


class Endurance(Checkouts):
    """So many checkouts by one process: its memory after the first tenth, and at the end."""

    most_rounds = 1
    GROWTH = Metric("memory of orders: growth from a tenth to the end", "MB", most=8.0)
    FINAL = shown("memory of orders at the end", "MB")

    def __init__(self, seconds: float, sessions: Sessions, *, orders: int) -> None:
        super().__init__(seconds, sessions)
        self._orders = orders
        self._is_warm = False

    async def run(self, world: World, side: str, results: Results) -> None:
        if side == "raw" or not self._is_warm:
            self._is_warm = self._is_warm or side == "ours"  # the round that is not counted
            return
        process = world.sides["ours"].processes["orders"]
        await self._buy(world, results, self._orders // 10)
        first = process.rss_mb
        await self._buy(world, results, self._orders - self._orders // 10)
        for metric, value in ((self.GROWTH, max(process.rss_mb - first, 0.1)), (self.FINAL, process.rss_mb)):
            results.add("ours", metric, value)
            results.add("raw", metric, 0.0)

    async def _buy(self, world: World, results: Results, wanted: int) -> None:
        bought = 0
        while bought < wanted:
            answers: Answers = await run(
                self.direct(world, "ours", "orders"), self._checkout, connections=CONNECTIONS, seconds=5
            )
            judge(answers, results, "endurance")
            bought += answers.good
            print(f"\rendurance: {bought:,} of {wanted:,} bought ", end="", flush=True)
            await world.empty_queues("ours")


async def start_least(world: World) -> int:
    """The process of the least checkout, once; its port."""
    if "least" not in world.sides["raw"].processes:
        [port] = free_ports(1)
        process = await world.spawn("raw", "orders", "-m", "bench.raw_checkout", name="least", RAW_PORT=str(port))
        await process.wait_for_line("ready")
        world.sides["raw"].processes["least"] = process
        world.sides["raw"].ports["least"] = port
    return world.sides["raw"].ports["least"]


def _read() -> bytes:
    return request("GET", PAGE, host="localhost", headers={"X-Request-Id": "r-1"})  # the gateway sends one


def _moments(log: Path) -> dict[str, float]:
    """Unix time by order, as `bench.arrivals` and `bench.noted` have written it so far."""
    whole, _, _ = log.read_text().rpartition("\n")
    rows = (json.loads(line) for line in whole.splitlines() if line.startswith("["))
    return dict(rows)


async def _silence(log: Path, *, seconds: float = 0.5) -> None:
    """Until nothing has come for a while."""
    size = -1
    while size != (size := log.stat().st_size):
        await asyncio.sleep(seconds)


async def _until(is_so: Any, *, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        for wait_s in itertools.repeat(0.02):
            if is_so():
                return
            await asyncio.sleep(wait_s)
