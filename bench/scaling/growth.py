"""Collections of growing size, filled with copies of real documents: bytes, indexes, and what a look-up reads."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import WriteConcern

from bench.scaling.copies import Copies
from bench.scaling.model import Form, depth, straight

BATCH = 2_000
AT_ONCE = 4
SAMPLED = 300
LOOKS = 300
DURABLE = WriteConcern(w="majority", j=True)
Find = Callable[[Mapping[str, Any]], dict[str, Any]]
"""A document that is there -> the words of a `find` command that a service asks about one like it."""
Extra = Callable[[Any, int, "Figures"], Awaitable[None]]
"""(the database, how many documents, where the figures go): what is more than a look-up."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What is measured at each size, and how it is expected to grow; without a form that depends on the machine."""

    name: str
    unit: str
    form: Form | None = straight


class Figures:
    """Values by figure and size."""

    def __init__(self) -> None:
        self.values: dict[Figure, dict[int, float]] = {}

    def add(self, name: str, unit: str, size: int, value: float, form: Form | None = straight) -> None:
        """One value."""
        self.values.setdefault(Figure(name, unit, form), {})[size] = value


@dataclass(frozen=True, slots=True)
class Kind:
    """A collection that grows: whose it is, and what is asked of it."""

    name: str
    service: str
    collection: str
    looks: Mapping[str, Find]
    pooled: Mapping[str, int] = field(default_factory=dict)
    every_s: float = 30.0
    is_keys: bool = False
    extra: Extra | None = None


@dataclass(frozen=True, slots=True)
class Models:
    """Real documents of a collection and the indexes that its service has made."""

    documents: Sequence[Mapping[str, Any]]
    indexes: Mapping[str, Mapping[str, Any]]

    @classmethod
    async def of(cls, collection: Any, *, wanted: Mapping[str, Any]) -> "Models":
        """Some documents that are there.

        Raises:
            ValueError: there are none.
        """
        found = await collection.find(wanted).limit(200).to_list(None)
        if not found:
            raise ValueError(f"no documents of {collection.name} to copy")
        return cls(found, await collection.index_information())


async def grow(
    database: Any, kind: Kind, models: Models, sizes: Sequence[int], keep: Callable[[Figures], None]
) -> Figures:
    """Fill up to each size in turn, and measure there; `keep` is told after each."""
    collection = database.get_collection(kind.collection, write_concern=WriteConcern(w=1))
    await collection.drop()
    for name, words in models.indexes.items():
        if name != "_id_":
            options = {word: value for word, value in words.items() if word not in ("v", "key", "ns")}
            options.pop("expireAfterSeconds", None)  # what is copied is old
            await collection.create_index(words["key"], name=name, **options)
    copies = Copies(models.documents, pooled=kind.pooled, every_s=kind.every_s)
    figures, there = Figures(), 0
    sample: list[bytes] = []
    for size in sizes:
        began = time.perf_counter()
        await _fill(collection, copies, sample, there, size, sizes[-1])
        figures.add("filled, documents a second", "/s", size, (size - there) / (time.perf_counter() - began), None)
        there = size
        await _weigh(database, kind, size, figures)
        known = [bson.decode(each) for each in random.Random(size).sample(sample, min(len(sample), SAMPLED))]
        for name, find in kind.looks.items():
            await _look(database, kind, (name, find), known, size, figures)
        if kind.extra is not None:
            await kind.extra(database, size, figures)
        keep(figures)
        print(f"\r  {kind.name}: {size:,} in {time.perf_counter() - began:.0f} s      ", flush=True)
    await collection.drop()
    return figures


async def _fill(collection: Any, copies: Copies, sample: list[bytes], first: int, end: int, last: int) -> None:
    """Up to `end`; a thousand of them, from all over, are remembered."""
    every = max(1, (end - first) // 1_000)
    starts = iter(range(first, end, BATCH))

    async def fill() -> None:
        for start in starts:
            batch = [copies.make(number, of=last) for number in range(start, min(end, start + BATCH))]
            await collection.insert_many([RawBSONDocument(each) for each in batch], ordered=False)
            sample.extend(each for number, each in enumerate(batch, start) if number % every == 0)

    await asyncio.gather(*(fill() for _ in range(AT_ONCE)))


async def _weigh(database: Any, kind: Kind, size: int, figures: Figures) -> None:
    """Bytes as WiredTiger counts them, after a checkpoint."""
    await database.client.admin.command("fsync")
    stats = await database.command("collStats", kind.collection)
    figures.add("documents", "bytes", size, stats["size"])
    figures.add("on disk, without indexes", "bytes", size, stats["storageSize"])
    figures.add("indexes", "bytes", size, stats["totalIndexSize"])
    for name, count in stats["indexSizes"].items():
        figures.add(f"index {name}", "bytes", size, count)
    figures.add(
        "in the database's cache", "bytes", size, stats["wiredTiger"]["cache"]["bytes currently in the cache"], None
    )


async def _look(
    database: Any, kind: Kind, look: tuple[str, Find], known: Sequence[Any], size: int, figures: Figures
) -> None:
    """How long it takes, the median of many for different documents, and how much is read for it at the most."""
    name, find = look
    taken = []
    for number in range(LOOKS):
        words = {"find": kind.collection, **find(known[number % len(known)]), "singleBatch": True}
        began = time.perf_counter()
        await database.command(words)
        taken.append((time.perf_counter() - began) * 1000)
    figures.add(f"{name}: median", "ms", size, median(taken), depth)
    read = [await _read(database, {"find": kind.collection, **find(each)}) for each in known[:20]]
    figures.add(f"{name}: documents read", "", size, max(documents for documents, _ in read))
    figures.add(f"{name}: entries read", "", size, max(keys for _, keys in read))


async def _read(database: Any, words: Mapping[str, Any]) -> tuple[int, int]:
    told = await database.command("explain", dict(words), verbosity="executionStats")
    stats = told["executionStats"]
    return int(stats["totalDocsExamined"]), int(stats["totalKeysExamined"])


async def timed(work: Callable[[], Awaitable[Any]], times: int) -> float:
    """Median seconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - began)
        await asyncio.sleep(0)
    return median(taken)
