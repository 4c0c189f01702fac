"""The chain of disclosures in MongoDB: collection `disclosures`, the number is the id.

Entries are only ever inserted. Of two that are decided at once one finds its place taken, and is decided anew.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from services.mailer.disclosure.domain import Chronicle, DisclosureEntry, Draft, Step
from shared.chains import START, Chain, rounded
from shared.clock import Clock
from shared.errors import DomainError, ErrorKind, TransientError
from shared.keys import KeyProvider
from shared.mongo import LATEST, Database, Document, DuplicateKey, translated

COLLECTION = "disclosures"
_TURNS = 20
log = structlog.get_logger(__name__)

Decide = Callable[[Chronicle], Draft | None]


class TrailIsBroken(DomainError):
    """Entries were altered, moved or taken away: nothing is disclosed until it is known why."""

    kind = ErrorKind.CONFLICT
    code = "trail-is-broken"

    def __str__(self) -> str:
        return "the chain of disclosures is broken: see `disclosure verify`"


@dataclass(slots=True)
class Verified:
    """What was looked at, what is wrong with it, and the hash of the last entry."""

    entries: list[DisclosureEntry] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    head: bytes = START
    hashes: set[str] = field(default_factory=set)


class Disclosures(Protocol):
    """Append-only, one chain."""

    async def append(self, decide: Decide) -> DisclosureEntry | None:
        """Let `decide` make the next entry of what there is, until nobody else comes between. Durable on return.

        Returns:
            The entry; None where `decide` wants none.

        Raises:
            TrailIsBroken: nothing may be added.
            TransientError: the database is away.
            DomainError: what `decide` raises.
        """

    async def verify(self) -> Verified:
        """Everything there is, checked link by link."""


class MongoDisclosures:
    """`Disclosures` on a database handle."""

    def __init__(self, database: Database, keys: KeyProvider, clock: Clock) -> None:
        self._collection = database[COLLECTION]
        self._latest = self._collection.with_options(read_concern=LATEST)
        self._chain = Chain(keys)
        self._clock = clock

    async def append(self, decide: Decide) -> DisclosureEntry | None:
        """See `Disclosures.append`."""
        for _ in range(_TURNS):
            seen = await self.verify()
            if seen.faults:
                raise TrailIsBroken
            draft = decide(seen.entries)
            if draft is None:
                return None
            entry = entry_after(seen, draft, self._clock, self._chain)
            hashed = self._chain.hash_of(entry, after=seen.head)
            try:
                with translated():
                    await self._collection.insert_one(document_of(entry, hashed))
            except DuplicateKey:
                continue
            log.info("disclosure recorded", anchor=entry.number, anchor_hash=hashed.hex(), state=entry.step.value)
            return entry
        raise TransientError("disclosures: too many at once")

    async def verify(self) -> Verified:
        """See `Disclosures.verify`."""
        with translated():
            documents = await self._latest.find({}).sort("_id", 1).to_list(None)
        return verified(documents, self._chain)


def entry_after(seen: Verified, draft: Draft, clock: Clock, chain: Chain) -> DisclosureEntry:
    """The draft as the next entry of what was seen."""
    return DisclosureEntry(
        len(seen.entries) + 1, draft.disclosure_id, draft.step, rounded(clock()), draft.officer, chain.key_version,
        draft.details,
    )  # fmt: skip


def verified(documents: list[Document], chain: Chain) -> Verified:
    """Check stored entries, in order."""
    seen = Verified()
    for place, document in enumerate(documents, 1):
        try:
            entry = entry_of(document)
            found = bytes(document["hash"])
            fits = entry.number == place and chain.fits(entry, found, after=seen.head)
        except (KeyError, TypeError, ValueError, AttributeError):
            seen.faults.append(f"entry {place} is none of ours")
            continue
        if not fits:
            seen.faults.append(f"entry {entry.number} was altered, is out of its place, or one before it is missing")
        seen.entries.append(entry)
        seen.head = found
        seen.hashes.add(found.hex())
    return seen


def document_of(entry: DisclosureEntry, hashed: bytes) -> Document:
    """An entry as it is kept."""
    return {
        "_id": entry.number,
        "disclosure": entry.disclosure_id,
        "step": entry.step.value,
        "at": entry.at,
        "officer": entry.officer,
        "key_version": entry.key_version,
        "details": dict(entry.details),
        "hash": hashed,
    }


def entry_of(document: Mapping[str, Any]) -> DisclosureEntry:
    """Undo `document_of`; what nobody of us wrote raises KeyError, TypeError, ValueError or AttributeError."""
    return DisclosureEntry(
        document["_id"], document["disclosure"], Step(document["step"]), document["at"], document["officer"],
        document["key_version"], dict(document["details"]),
    )  # fmt: skip


async def disclosure_key_versions(database: Database) -> dict[int, int]:
    """How many entries each version of the key `trail` has chained."""
    with translated():
        documents = await database[COLLECTION].find({}, {"key_version": 1}).to_list(None)
    return dict(sorted(Counter(document["key_version"] for document in documents).items()))
