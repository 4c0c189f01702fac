"""Anchors: what the ends of the chains were, hour by hour, so that a chain cut short or taken away shows.

Anchors hang together as entries do. The hash of each is logged: whoever keeps the logs elsewhere can tell with
`trail verify --anchor HASH` that no anchor was cut off either. Collection `trail_anchors`, the number is the id.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import structlog

from services.auth.trail.chain import START, Anchor, Chain, Head, heads_of, rounded
from services.auth.trail.mongo import ANCHORS, COLLECTION, last_links
from shared.clock import Clock
from shared.keys import KeyProvider
from shared.mongo import LATEST, Database, Document, DuplicateKey, any_moment, translated

log = structlog.get_logger()

EVERY_S = 3600.0
OVERLAP = timedelta(minutes=15)
"""What was recorded so long before the last anchor is looked at again: processes' clocks differ, writes take time."""
HEADS_MOST = 10_000
"""Heads of one anchor: about 1 MB."""


class Anchors:
    """Anchors on a database handle."""

    def __init__(self, database: Database, keys: KeyProvider, clock: Clock) -> None:
        self._anchors = database[ANCHORS]
        self._entries = database[COLLECTION].with_options(read_concern=LATEST)
        self._chain = Chain(keys)
        self._clock = clock

    async def add(self) -> list[bytes]:
        """Anchor every chain that has grown since the last anchor; the hashes of the anchors made, often one or none.

        Raises:
            TransientError: the database is away.
        """
        last = await self._last()
        since = None if last is None else last["at"] - OVERLAP
        grown = await self._grown(since)
        return [await self._add(grown[first : first + HEADS_MOST]) for first in range(0, len(grown), HEADS_MOST)]

    async def _grown(self, since: datetime | None) -> list[Head]:
        with translated():
            rows = await self._entries.aggregate(_accounts(since)).to_list(None)
        accounts = [row["_id"] for row in rows]
        heads: list[Head] = []
        for first in range(0, len(accounts), HEADS_MOST):
            heads += await self._heads(accounts[first : first + HEADS_MOST])
        known = await self._anchored([head.account_id for head in heads], since)
        return [head for head in heads if known.get(head.account_id) != head.number]

    async def _heads(self, accounts: Sequence[str]) -> list[Head]:
        with translated():
            rows = await self._entries.aggregate(last_links({"$in": list(accounts)})).to_list(None)
        return sorted(
            (Head(row["_id"], row["number"], bytes(row["hash"])) for row in rows), key=lambda each: each.account_id
        )

    async def _anchored(self, accounts: Sequence[str], since: datetime | None) -> dict[str, int]:
        """What the newest anchors say of these chains, so that the overlap does not anchor them twice."""
        if since is None:
            return {}
        wanted, known = set(accounts), dict[str, int]()
        with translated():
            async for document in self._anchors.find({"at": {"$gte": since}}).sort("_id", 1):
                known |= {row[0]: row[1] for row in document["heads"] if row[0] in wanted}
        return known

    async def _add(self, heads: Sequence[Head]) -> bytes:
        """Behind the last one, whoever has made it: two processes at once make two anchors."""
        while True:
            last = await self._last()
            number, after = (1, START) if last is None else (last["_id"] + 1, bytes(last["hash"]))
            anchor = Anchor(number, rounded(self._clock()), tuple(heads), self._chain.key_version)
            made = self._chain.hash_of(anchor, after=after)
            try:
                with translated():
                    await self._anchors.insert_one(document_of(anchor, made))
            except DuplicateKey:
                continue
            log.info("trail anchored", anchor=number, anchor_hash=made.hex(), count=len(heads))
            return made

    async def _last(self) -> Document | None:
        latest = self._anchors.with_options(read_concern=LATEST)
        with translated():
            return await latest.find_one({}, {"at": 1, "hash": 1}, sort=[("_id", -1)])

    async def newest(self) -> bytes:
        """The hash of the last anchor, which stands for all before it too; b"" where there is none.

        Raises:
            TransientError: the database is away.
        """
        last = await self._last()
        return b"" if last is None else bytes(last["hash"])

    async def all(self) -> AsyncIterator[Document]:
        """Every anchor as it is stored, in order."""
        with translated():
            async for document in any_moment(self._anchors).find({}).sort("_id", 1):
                yield document


def _accounts(since: datetime | None) -> list[Document]:
    """The pipeline that gives each account with an entry recorded since then, or ever."""
    recorded = {} if since is None else {"recorded_at": {"$gte": since}}
    return [{"$match": recorded | {"number": {"$gt": 0}}}, {"$group": {"_id": "$account_id"}}, {"$sort": {"_id": 1}}]


def document_of(anchor: Anchor, hashed: bytes) -> Document:
    """An anchor as it is kept."""
    return {
        "_id": anchor.number,
        "at": anchor.at,
        "heads": [[head.account_id, head.number, head.hash] for head in anchor.heads],
        "key_version": anchor.key_version,
        "hash": hashed,
    }


def anchor_of(document: Document) -> Anchor:
    """Undo `document_of`; what nobody of us wrote raises KeyError, TypeError or ValueError."""
    return Anchor(document["_id"], document["at"], heads_of(document["heads"]), document["key_version"])
