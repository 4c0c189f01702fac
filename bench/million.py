"""A campaign to a million stored subscribers, each of whom gets it: the memory of `mailer send` from first to last."""

import asyncio
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from bench.newsletters import plan_campaign, sealed
from bench.processes import Process
from bench.report import Memory, Metric, Results, shown
from bench.sink import Sink
from bench.world import World

MOST_MB = 150.0
CONNECTIONS = 32
_AT_ONCE = 5000
_LONGEST_S = 4 * 3600


@dataclass(frozen=True, slots=True)
class Sample:
    """At one moment: mails that the sink has taken, memory and processor time of the sender."""

    at: float
    mails: int
    rss_mb: float
    cpu_s: float


class Million:
    """One `mailer send` over everybody; who comes first and who comes last is decided by their stored keys."""

    most_rounds = 1

    def __init__(self, subscribers: int) -> None:
        self._subscribers = subscribers
        self._is_warm = False
        name = f"campaign to {subscribers:,} stored"
        self.PEAK = Metric(f"{name}: peak memory of send", "MB", most=MOST_MB)
        self.FIRST = shown(f"{name}: memory after the first tenth", "MB")
        self.LAST = shown(f"{name}: memory in the last tenth", "MB")
        self.RATE = shown(f"{name}: accepted", "/s")
        self.CPU = shown(f"{name}: CPU of send for each", "ms")

    async def prepare(self, world: World) -> None:
        await world.run_ours("mailer", "indexes", PADLOCK_SMTP_URL="smtp://127.0.0.1:25")
        people = _people(self._subscribers)
        subscribers = world.collection("ours", "mailer", "subscribers")
        data_keys = world.keys_collection("ours", "mailer")
        await asyncio.gather(subscribers.delete_many({}), data_keys.delete_many({}))
        planted = 0
        while batch := list(islice(people, _AT_ONCE)):
            documents, keys = sealed(world, batch)
            await asyncio.gather(
                subscribers.insert_many(documents, ordered=False), data_keys.insert_many(keys, ordered=False)
            )
            planted += len(batch)
            print(f"\rmillion: {planted:,} stored ", end="", flush=True)

    async def run(self, world: World, side: str, results: Results) -> None:
        if side == "raw" or not self._is_warm:
            self._is_warm = self._is_warm or side == "ours"  # the round that is not counted
            return
        await plan_campaign(world, "ours")
        async with Sink() as sink:
            process = await world.spawn(
                "ours", "mailer", "-m", "services.mailer", "send", PADLOCK_SMTP_URL=f"smtp://127.0.0.1:{sink.port}",
                PADLOCK_SMTP_CONNECTIONS=str(CONNECTIONS), PADLOCK_APPROVAL_ABOVE=str(10 * self._subscribers),
            )  # fmt: skip
            samples = await self._watch(process, sink)
            await process.wait_for_end()
        counts = sink.counts
        if counts.mails != self._subscribers or counts.most_for_one != 1 or counts.mistakes:
            results.troubles.append(
                f"million: {counts.mails:,} mails to {len(counts.recipients):,} addresses, "
                f"{counts.most_for_one} for one, {counts.mistakes} protocol errors"
            )
        self._report(samples, results)

    async def _watch(self, process: Process, sink: Sink) -> list[Sample]:
        samples: list[Sample] = []
        async with asyncio.timeout(_LONGEST_S):
            while process.is_alive:
                if sink.counts.mails and (peak := process.peak_mb):
                    samples.append(Sample(time.monotonic(), sink.counts.mails, process.rss_mb, process.cpu_s))
                    print(f"\rmillion: {sink.counts.mails:,} taken, {peak:.0f} MB ", end="", flush=True)
                await asyncio.sleep(0.5)
        return samples

    def _report(self, samples: Sequence[Sample], results: Results) -> None:
        for metric, value in zip(
            (self.PEAK, self.FIRST, self.LAST, self.RATE, self.CPU), figures(samples, self._subscribers), strict=True
        ):
            results.add("ours", metric, value)
            results.add("raw", metric, 0.0)  # nothing to compare with

    def memory(self) -> list[Memory]:
        return []


def figures(samples: Sequence[Sample], wanted: int) -> tuple[float, float, float, float, float]:
    """The highest memory, that after the first tenth, the highest of the last tenth; mails a second, ms of each."""
    began, ended = samples[0], samples[-1]
    first = next(each for each in samples if each.mails >= wanted // 10)
    mails = ended.mails - began.mails
    return (
        max(each.rss_mb for each in samples),
        first.rss_mb,
        max(each.rss_mb for each in samples if each.mails >= wanted - wanted // 10),
        mails / (ended.at - began.at),
        1000 * (ended.cpu_s - began.cpu_s) / mails,
    )


def _people(count: int) -> Iterator[tuple[str, str, str]]:
    """Key, name and address: the keys are spread over all that there are, in the order of the addresses' numbers."""
    for n in range(count):
        yield f"{(n << 32) // count:08x}{secrets.token_hex(12)}", f"Reader {n}", f"reader.{n}@example.com"
