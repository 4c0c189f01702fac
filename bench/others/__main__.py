"""`python -m bench.others --python VENV/bin/python`: the same purchases to the same records by each of them, and ours.

On the running stack's database and broker, in databases and virtual hosts of the bench's own. Each has its messages
waiting before it starts; what is told is from the first record to the last.
"""

import argparse
import asyncio
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from bench.processes import Process, cpu_s, family, memory_mb
from bench.raw_orders import event_of
from bench.raw_parts import Reader, SealTo, now
from bench.world import NoStack, World, open_world

ACCOUNTS = 500
WORKERS: Mapping[str, Sequence[str]] = {
    "celery": ("celery", "-A", "bench.others.celery_app", "worker", "-c", "4", "--without-gossip", "--without-mingle",
               "--without-heartbeat", "-l", "WARNING"),
    "dramatiq": ("dramatiq", "bench.others.dramatiq_app", "-p", "2", "-t", "8"),
    "taskiq": ("taskiq", "worker", "bench.others.taskiq_app:broker", "--workers", "1", "--max-async-tasks", "200"),
    "faststream": ("faststream", "run", "bench.others.faststream_app:app"),
}  # fmt: skip
OURS = ("raw", "ours")


@dataclass(frozen=True, slots=True)
class Result:
    """From the first record to the last."""

    name: str
    per_second: float
    cpu_ms: float
    rss_mb: float

    def __str__(self) -> str:
        return f"{self.name:<12}{self.per_second:>9,.0f}/s{self.cpu_ms:>9.2f} ms{self.rss_mb:>8.0f} MB"


class Contest:
    """Everybody in turn."""

    def __init__(self, world: World, interpreter: Path, count: int) -> None:
        self._world, self._python, self._count = world, interpreter, count
        self._lines = world.base / "purchases.jsonl"

    async def take(self, name: str) -> Result:
        side = "ours" if name == "ours" else "raw"
        records = self._world.collection(side, "warranty", "purchases")
        await self._empty(side)
        await self._send(name)
        process = await self._start(name)
        try:
            return await self._watch(name, process, records)
        finally:
            await process.stop()

    async def _empty(self, side: str) -> None:
        await self._world.empty_queues(side)
        purchases = self._world.collection(side, "warranty", "purchases")
        await purchases.delete_many({})
        await self._world.keys_collection(side, "warranty").delete_many({})
        if side == "raw":
            await purchases.create_index(
                [("owner_key", 1), ("purchased_at", -1), ("_id", -1)],
                partialFilterExpression={"owner_key": {"$exists": True}},
            )
            await purchases.create_index([("purchased_at", 1)])

    async def _send(self, name: str) -> None:
        if name == "ours":
            sender = await self._world.spawn(
                "ours", "orders", "-m", "bench.backlog", "--count", str(self._count), "--accounts", str(ACCOUNTS)
            )
        elif name == "raw":
            sender = await self._world.spawn("raw", "orders", "-m", "bench.others.send_raw", str(self._lines))
        else:
            sender = await self._spawn(name, "-m", f"bench.others.{name}_app", str(self._lines))
        await sender.wait_for_end(seconds=90)

    async def _start(self, name: str) -> Process:
        if name == "ours":
            return await self._world.spawn("ours", "warranty", "-m", "services.warranty", "work")
        if name == "raw":
            return await self._world.spawn("raw", "warranty", "-m", "bench.raw_warranty")
        program, *words = WORKERS[name]
        return await self._spawn(name, str(self._python.with_name(program)), *words)

    async def _spawn(self, name: str, *words: str) -> Process:
        return await Process.start(
            f"others-{name}",
            str(self._python),
            *words,
            env=self._world.environment("raw", "warranty"),
            log_dir=self._world.base / "log",
        )

    async def _watch(self, name: str, process: Process, records: Any) -> Result:
        first: tuple[float, int, float] | None = None
        highest = 0.0
        async with asyncio.timeout(120):
            while True:
                process.check_alive()
                count = await records.estimated_document_count()
                at, spent, held = time.perf_counter(), *_costs(process)
                highest = max(highest, held)
                if first is None and count:
                    first = (at, count, spent)
                if first is not None and count >= self._count:
                    done = count - first[1]
                    return Result(name, done / (at - first[0]), (spent - first[2]) * 1000 / done, highest)
                await asyncio.sleep(0.05)

    def write(self) -> None:
        """The same purchases for everybody but ours, one a line."""
        seal = SealTo(Reader(bytes.fromhex(self._world.secret)).public)
        with self._lines.open("wb") as lines:
            for n in range(self._count):
                lines.write(_purchase(seal, n) + b"\n")


def _purchase(seal: SealTo, n: int) -> bytes:
    event_id, order_id, at = str(uuid.uuid4()), str(uuid.uuid4()), now()
    item = {
        "item_id": f"{order_id}-1-1", "sku": "TF-1", "name": "Watch", "unit_price_minor": 19800, "warranty_months": 24,
    }  # fmt: skip
    data = {
        "order_id": order_id, "number": "7F3K-Q2XM", "purchased_at": at, "currency": "JPY", "language": "en",
        "country": "JP", "shipping_minor": 800, "total_minor": 20600, "items": [item],
    }  # fmt: skip
    buyers = {"warranty": {"account_id": f"account-{n % ACCOUNTS}" if n % 5 else ""}}
    return bytes(event_of(data, buyers, seal, event_id=event_id, at=at))


def _costs(process: Process) -> tuple[float, float]:
    """Processor time and memory of a process and whatever it has started."""
    pids, found = [process.pid], list[int]()
    while pids:
        pid = pids.pop()
        found.append(pid)
        pids += family(pid)[1:]
    return sum(_cpu_s(pid) for pid in found), sum(memory_mb(pid) for pid in found)


def _cpu_s(pid: int) -> float:
    try:
        return cpu_s(pid)
    except OSError:  # gone since it was listed
        return 0.0


async def contest(arguments: argparse.Namespace) -> None:
    async with open_world() as world:
        await world.run_ours("warranty", "indexes")
        games = Contest(world, Path(arguments.python).absolute(), arguments.count)
        games.write()
        for name in arguments.only or (*OURS, *WORKERS):
            print(await games.take(name), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.others", description=__doc__)
    parser.add_argument("--python", required=True, help="of a venv with bench/others/requirements.txt")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--only", nargs="*", default=[], choices=(*OURS, *WORKERS))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(contest(parser.parse_args()))
    except NoStack as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
