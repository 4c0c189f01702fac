"""Screening in MongoDB: collection `screening`, so that all that is known of a checkout's marks is one read.

    t:<kind>:<mark>:<day>   counts of one day: {tries: {<step>: n}, declines: {<step>: n}, expires_at}
    h:<kind>:<mark>         what was paid: {highest: {<currency>: minor units}, expires_at}
    b:<kind>:<mark>         on the block list, for as long as it is there

Counts are `$inc`s of documents whose names follow from the moment, so nobody reads before writing. Those of a process
that come together share one command, and one update where they are of one document. They are acknowledged by the
primary alone: one that is lost with it makes a rule a little milder, and costs no flush of the journal.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from services.orders.screening.blocks import Block
from services.orders.screening.domain import Kind, Marks, Seen
from services.orders.screening.tallies import HISTORY, step_of
from shared.gatherer import Gatherer
from shared.mongo import (
    LATEST,
    QUICK,
    Database,
    Document,
    DuplicateKey,
    Index,
    bulk_write,
    translated,
    update,
)

COLLECTION = "screening"
INDEXES = (Index("expiry", [("expires_at", 1)], expire_after_s=0),)
_DAY_S = 86_400
_SHOP = "t:shop"
_ACCOUNT = "account"


@dataclass(slots=True)
class _Count:
    """One document's change."""

    expires_at: datetime
    added: dict[str, int] = field(default_factory=dict)
    highest: dict[str, int] = field(default_factory=dict)

    def join(self, other: "_Count") -> None:
        """Take another change of the same document along."""
        self.expires_at = max(self.expires_at, other.expires_at)
        for name, count in other.added.items():
            self.added[name] = count + self.added.get(name, 0)
        for name, value in other.highest.items():
            self.highest[name] = max(value, self.highest.get(name, 0))

    @property
    def change(self) -> Document:
        """As an update."""
        parts = {"$inc": dict(self.added), "$max": {"expires_at": self.expires_at, **self.highest}}
        return {operator: fields for operator, fields in parts.items() if fields}


_Counts = Mapping[str, _Count]


class MongoTallies:
    """`Tallies` on a database; one for each process."""

    def __init__(self, database: Database) -> None:
        collection = database[COLLECTION]
        self._durable = collection
        self._quick = collection.with_options(write_concern=QUICK)
        self._latest = collection.with_options(read_concern=LATEST)
        self._writes: Gatherer[_Counts, None] = Gatherer(self._write, at_once=2)
        self._looks: Gatherer[Sequence[str], Mapping[str, Document]] = Gatherer(self._read, at_once=2)
        self._paid: dict[str, _Count] = {}

    async def count_try(self, marks: Marks, *, at: datetime) -> None:
        """See `Tallies.count_try`."""
        await self._writes.submit(_counts("tries", _names(marks), at))

    async def count_decline(self, marks: Marks, *, at: datetime) -> None:
        """See `Tallies.count_decline`."""
        await self._writes.submit(_counts("declines", [*_names(marks), _SHOP], at))

    def count_paid(self, marks: Marks, account_id: str, amount_minor: int, currency: str, *, at: datetime) -> None:
        """See `Tallies.count_paid`."""
        highest = {f"highest.{currency}": amount_minor}
        counts = {name: _Count(at + HISTORY, highest=dict(highest)) for name in _histories(marks.card, account_id)}
        _join(self._paid, counts)

    async def store_paid(self) -> None:
        """See `Tallies.store_paid`."""
        await self._writes.submit({})

    async def look(self, marks: Marks, account_id: str, *, at: datetime) -> Seen:
        """See `Tallies.look`."""
        days = (_day(at), _day(at) - 1)
        counters = {kind: [f"t:{kind.value}:{mark}:{day}" for day in days] for kind, mark in marks.present.items()}
        blocks = {kind: f"b:{kind.value}:{mark}" for kind, mark in marks.present.items()}
        shop = [f"{_SHOP}:{day}" for day in days]
        histories = _histories(marks.card, account_id)
        wanted = [*(name for names in counters.values() for name in names), *blocks.values(), *shop, *histories]
        found = await self._looks.submit(wanted)
        return Seen(
            tries={kind: _steps(found, names, "tries") for kind, names in counters.items()},
            declines={kind: _steps(found, names, "declines") for kind, names in counters.items()},
            shop_declines=_steps(found, shop, "declines"),
            highest_paid=_highest(found, histories),
            listed=frozenset(kind for kind, name in blocks.items() if name in found),
        )

    async def forget(self, account_id: str, cards: Collection[str]) -> None:
        """See `Tallies.forget`."""
        names = {name for card in cards for name in _histories(card, account_id)} | {f"h:{_ACCOUNT}:{account_id}"}
        for name in names:
            self._paid.pop(name, None)
        with translated():
            await self._durable.delete_many({"_id": {"$in": sorted(names)}})

    async def _write(self, batch: Sequence[_Counts]) -> list[Exception | None]:
        waiting, self._paid = self._paid, {}
        for counts in batch:
            _join(waiting, counts)
        for _ in range(2):  # two processes may make a document at once; the loser finds it the second time
            if not waiting:
                break
            names = list(waiting)
            updates = [update({"_id": name}, waiting[name].change, upsert=True) for name in names]
            errors = await bulk_write(self._quick, updates)
            for failure in errors.failures.values():
                raise failure
            waiting = {names[place]: waiting[names[place]] for place in errors.duplicates}
        return [None] * len(batch)

    async def _read(self, batch: Sequence[Sequence[str]]) -> list[Mapping[str, Document] | Exception]:
        names = list({name for wanted in batch for name in wanted})
        with translated():
            # One more than there can be: a batch that is not full closes the cursor, and nothing is asked again.
            matching = self._latest.find({"_id": {"$in": names}}, {"expires_at": 0}, batch_size=len(names) + 1)
            found = {document["_id"]: document for document in await matching.to_list(None)}
        return [found] * len(batch)


class MongoBlocks:
    """`Blocks` on a database."""

    def __init__(self, database: Database) -> None:
        self._collection = database[COLLECTION]

    async def add(self, block: Block) -> None:
        """See `Blocks.add`."""
        entry = {"by": block.by, "at": block.at, "note": block.note}
        try:
            with translated():
                await self._collection.insert_one({"_id": _block_name(block.id), **entry})
        except DuplicateKey:
            return

    async def remove(self, block_id: str) -> bool:
        """See `Blocks.remove`."""
        with translated():
            done = await self._collection.delete_one({"_id": _block_name(block_id)})
        return bool(done.deleted_count)

    async def entries(self, *, behind: str, limit: int) -> Sequence[Block]:
        """See `Blocks.entries`."""
        within = {"$gt": _block_name(behind) if behind else "b:", "$lt": "b;"}
        with translated():
            found = await self._collection.find({"_id": within}).sort("_id", 1).limit(limit).to_list(None)
        return [_block_of(document) for document in found]


def _names(marks: Marks) -> list[str]:
    return [f"t:{kind.value}:{mark}" for kind, mark in marks.present.items()]


def _histories(card: str, account_id: str) -> list[str]:
    card_history = [f"h:{Kind.CARD.value}:{card}"] if card else []
    return [*card_history, f"h:{_ACCOUNT}:{account_id}"] if account_id else card_history


def _counts(what: str, names: Iterable[str], at: datetime) -> _Counts:
    day, step = _day(at), f"{what}.{step_of(at)}"
    # Counted into until its day ends, asked for until the next one does.
    expires_at = datetime.fromtimestamp((day + 2) * _DAY_S, UTC) + timedelta(hours=1)
    return {f"{name}:{day}": _Count(expires_at, added={step: 1}) for name in names}


def _join(joined: dict[str, _Count], counts: _Counts) -> None:
    """Take more changes along; they belong to `joined` from then on."""
    for name, count in counts.items():
        if name in joined:
            joined[name].join(count)
        else:
            joined[name] = count


def _day(at: datetime) -> int:
    return int(at.timestamp()) // _DAY_S


def _steps(found: Mapping[str, Document], names: Iterable[str], what: str) -> dict[int, int]:
    documents = (found[name] for name in names if name in found)
    return {int(step): count for document in documents for step, count in document.get(what, {}).items()}


def _highest(found: Mapping[str, Document], names: Iterable[str]) -> dict[str, int]:
    highest: dict[str, int] = {}
    for name in names:
        for currency, paid in found.get(name, {}).get("highest", {}).items():
            highest[currency] = max(paid, highest.get(currency, 0))
    return highest


def _block_name(block_id: str) -> str:
    kind, _, mark = block_id.partition("-")
    return f"b:{kind}:{mark}"


def _block_of(document: Mapping[str, Any]) -> Block:
    _, kind, mark = document["_id"].split(":")
    return Block(Kind(kind), mark, document["by"], document["at"], document["note"])
