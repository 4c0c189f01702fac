"""The audit trail in MongoDB: collection `trail`, an entry's id is `<account>:<number>`.

The id makes room for one link at each place: of two processes that append at once, one finds the place taken, reads
what is there and takes the next.
"""

import asyncio
import random
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.auth.trail.chain import Chain, Head, Link, no_head, rounded
from services.auth.trail.domain import Entry, Note
from shared.clock import Clock
from shared.errors import TransientError
from shared.gatherer import Gatherer
from shared.keys import KeyProvider
from shared.mongo import (
    LATEST,
    Database,
    Document,
    DuplicateKey,
    Index,
    bulk_write,
    ensure_indexes,
    insertion,
    translated,
)

COLLECTION = "trail"
ANCHORS = "trail_anchors"
_KEY_INDEX = "key"
_HEADS_KEPT = 10_000
_TURNS = 100
"""How often an append may find its place taken; each time somebody else has appended to this very chain."""


async def ensure_trail_indexes(database: Database) -> None:
    """Chains by number, what is noted once, and what was recorded since the last anchor."""
    await ensure_indexes(
        database[COLLECTION],
        [
            Index("links", [("account_id", 1), ("number", 1)]),
            Index(_KEY_INDEX, [("key", 1)], unique=True, partial={"key": {"$gt": ""}}),
            Index("recorded", [("recorded_at", 1)]),
        ],
    )


async def trail_key_versions(database: Database) -> dict[int, int]:
    """How many entries and anchors each version of the key has chained. Reads the whole trail.

    Raises:
        TransientError: the database is away.
    """
    counts: Counter[int] = Counter()
    for name in (COLLECTION, ANCHORS):
        with translated():
            rows = database[name].aggregate([{"$group": {"_id": "$key_version", "count": {"$sum": 1}}}])
            counts.update({row["_id"]: row["count"] async for row in rows})
    return dict(sorted(counts.items()))


@dataclass(frozen=True, slots=True)
class _Append:
    account_id: str
    note: Note
    key: str


class MongoTrail:
    """`Trail` on a database handle. Appends that arrive together share one command; ends of chains are remembered."""

    def __init__(self, database: Database, keys: KeyProvider, clock: Clock) -> None:
        self._collection = database[COLLECTION]
        self._latest = self._collection.with_options(read_concern=LATEST)
        self._chain = Chain(keys)
        self._clock = clock
        self._heads: OrderedDict[str, Head] = OrderedDict()
        self._appends: Gatherer[_Append, bool] = Gatherer(self._append, apart=lambda each: each.account_id)

    async def append(self, account_id: str, note: Note, *, key: str = "") -> bool:
        """See `Trail.append`."""
        return await self._appends.submit(_Append(account_id, replace(note, at=rounded(note.at)), key))

    async def of_account(self, account_id: str, *, limit: int, before: int = 0) -> list[Entry]:
        """See `Trail.of_account`."""
        place = {"$gt": 0, "$lt": before} if before else {"$gt": 0}
        with translated():
            found = self._collection.find({"account_id": account_id, "number": place}).sort("number", -1).limit(limit)
            return [entry_of(document) for document in await found.to_list(limit)]

    async def _append(self, batch: Sequence[_Append]) -> list[bool | Exception]:
        """One entry at most for each account: the gatherer keeps them apart."""
        answers: list[bool | Exception | None] = [None] * len(batch)
        for turn in range(_TURNS):
            open_places = [place for place, answer in enumerate(answers) if answer is None]
            if not open_places:
                break
            if turn:
                await asyncio.sleep(random.random() * 0.005 * min(turn, 10))  # others append here at this moment
            outcomes = await self._try([batch[place] for place in open_places])
            for place, outcome in zip(open_places, outcomes, strict=True):
                answers[place] = outcome
        return [TransientError("trail: too many at once") if each is None else each for each in answers]

    async def _try(self, batch: Sequence[_Append]) -> list[bool | Exception | None]:
        heads = await self._heads_of([each.account_id for each in batch])
        links = [self._link(each, heads[each.account_id]) for each in batch]
        made = [self._chain.hash_of(link, after=heads[link.account_id].hash) for link in links]
        for link in links:
            self._heads.pop(link.account_id, None)  # until it is known that this link is the end
        written = [insertion(document_of(link, hashed)) for link, hashed in zip(links, made, strict=True)]
        outcome = await bulk_write(self._collection, written)
        errors = [outcome.at(place) for place in range(len(batch))]
        for link, hashed, error in zip(links, made, errors, strict=True):
            if error is None:
                self._remember(Head(link.account_id, link.number, hashed))
        return [_outcome(error) for error in errors]

    def _link(self, wanted: _Append, head: Head) -> Link:
        return Link(
            account_id=wanted.account_id,
            number=head.number + 1,
            note=wanted.note,
            recorded_at=rounded(self._clock()),
            key=wanted.key,
            key_version=self._chain.key_version,
        )

    def _remember(self, head: Head) -> None:
        self._heads[head.account_id] = head
        self._heads.move_to_end(head.account_id)
        if len(self._heads) > _HEADS_KEPT:
            self._heads.popitem(last=False)

    async def _heads_of(self, accounts: Sequence[str]) -> dict[str, Head]:
        heads = {account: self._heads[account] for account in accounts if account in self._heads}
        unknown = [account for account in accounts if account not in heads]
        return heads | {account: no_head(account) for account in unknown} | await self._read_heads(unknown)

    async def _read_heads(self, accounts: Sequence[str]) -> dict[str, Head]:
        """Not by a majority's reading: what took this place a moment ago must be seen, or it is tried for in vain."""
        if not accounts:
            return {}
        with translated():
            if len(accounts) == 1:
                asked = {"account_id": accounts[0], "number": {"$gt": 0}}
                rows = [await self._latest.find_one(asked, {"number": 1, "hash": 1}, sort=[("number", -1)])]
                found = [row | {"_id": accounts[0]} for row in rows if row]
            else:
                found = await self._latest.aggregate(last_links({"$in": list(accounts)})).to_list(None)
        return {row["_id"]: Head(row["_id"], row["number"], bytes(row["hash"])) for row in found}


def last_links(accounts: object) -> list[Document]:
    """The pipeline that gives account (as `_id`), number and hash of the last link of each chain."""
    return [
        {"$match": {"account_id": accounts, "number": {"$gt": 0}}},
        {"$sort": {"account_id": -1, "number": -1}},
        {"$group": {"_id": "$account_id", "number": {"$first": "$number"}, "hash": {"$first": "$hash"}}},
    ]


def document_of(link: Link, hashed: bytes) -> Document:
    """A link as it is kept."""
    document: Document = {
        "_id": link_id(link.account_id, link.number),
        "account_id": link.account_id,
        "number": link.number,
        "what": link.note.what,
        "at": link.note.at,
        "details": dict(link.note.details),
        "recorded_at": link.recorded_at,
        "key_version": link.key_version,
        "hash": hashed,
    }
    if link.note.reason:
        document["reason"] = link.note.reason
    if link.key:
        document["key"] = link.key
    return document


def link_of(document: Document) -> Link:
    """Undo `document_of`; a document that nobody of us wrote raises KeyError, TypeError or ValueError."""
    return Link(
        account_id=document["account_id"],
        number=document["number"],
        note=entry_of(document),
        recorded_at=document["recorded_at"],
        key=document.get("key", ""),
        key_version=document["key_version"],
    )


def entry_of(document: Document) -> Entry:
    """A document as an entry."""
    return Entry(
        document["what"],
        document["at"],
        dict(document["details"]),
        bytes(document.get("reason", b"")),
        number=document["number"],
    )


def link_id(account_id: str, number: int) -> str:
    """The id of a link's document."""
    return f"{account_id}:{number}"


def _outcome(error: DuplicateKey | TransientError | None) -> bool | Exception | None:
    """None asks for another turn."""
    if isinstance(error, DuplicateKey):
        return False if error.index == _KEY_INDEX else None
    return error or True
