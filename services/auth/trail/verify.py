"""Whether the audit trail is whole: every chain link by link, every anchor, and every chain against the anchors."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.auth.trail.anchors import Anchors, anchor_of
from services.auth.trail.chain import START, Anchor, Chain, Head, Link
from services.auth.trail.mongo import COLLECTION, link_id, link_of
from shared.clock import Clock
from shared.keys import KeyProvider
from shared.mongo import Database, Document, any_moment, translated

_AT_ONCE = 1_000
_LINK = {"number": int, "at": datetime, "recorded_at": datetime, "key_version": int, "hash": bytes}
_ANCHOR = {"_id": int, "at": datetime, "heads": list, "key_version": int, "hash": bytes}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and in whose chain ("" for the anchors themselves)."""

    account_id: str
    what: str

    def __str__(self) -> str:
        return f"account {self.account_id}: {self.what}" if self.account_id else self.what


@dataclass(slots=True)
class Report:
    """What was looked at, and what is wrong with it."""

    entries: int = 0
    chains: int = 0
    anchors: int = 0
    faults: list[Fault] = field(default_factory=list)
    unproven: Counter[int] = field(default_factory=Counter)
    """Entries and anchors that cannot be checked, by the version of the key that they name and that is not here."""

    @property
    def is_whole(self) -> bool:
        """Whether everything was checked, and nothing is wrong."""
        return not self.faults and not self.unproven


class MongoAudit:
    """`Audit` on a database handle."""

    def __init__(self, database: Database, keys: KeyProvider, clock: Clock) -> None:
        self._entries = any_moment(database[COLLECTION])
        self._anchors = Anchors(database, keys, clock)
        self._chain = Chain(keys)

    async def anchor(self) -> list[bytes]:
        """See `Audit.anchor`."""
        return await self._anchors.add()

    async def newest_anchor(self) -> bytes:
        """See `Audit.newest_anchor`."""
        return await self._anchors.newest()

    async def verify(self, *, expected: str = "") -> Report:
        """See `Audit.verify`. Reads the trail once, in the order of the chains, whatever its size."""
        report = Report()
        anchored = [each async for each in self._faults_of_anchors(report, expected)]
        report.faults += [each async for each in self._faults_of_chains(report)]
        report.faults += anchored
        return report

    async def _faults_of_chains(self, report: Report) -> AsyncIterator[Fault]:
        last = Head("", 0, START)
        with translated():
            async for document in self._entries.find({}).sort([("account_id", 1), ("number", 1)]):
                account = str(document.get("account_id", ""))
                if account != last.account_id or not report.chains:
                    last = Head(account, 0, START)
                    report.chains += 1
                report.entries += 1
                for what in self._wrong_with(document, last, report):
                    yield Fault(account, what)
                last = _place_of(document, last)

    def _wrong_with(self, document: Document, last: Head, report: Report) -> Iterator[str]:
        try:
            link, found = _link_of(document), _hash_of(document)
            is_ours = document["_id"] == link_id(link.account_id, link.number)
            content = link.content()
        except (KeyError, TypeError, ValueError, AttributeError):
            yield f"entry {document['_id']} is none of ours"
            return
        if link.number != last.number + 1:
            yield f"entries {last.number + 1} to {link.number - 1} are missing"
            if is_ours and content:  # what it follows is gone: only the next one can tell whether it was altered
                return
        if is_ours and self._chain.has_lost_key_of(link):
            report.unproven[link.key_version] += 1
        elif not is_ours or not self._chain.fits(link, found, after=last.hash):
            yield f"entry {link.number} was altered or is out of its place"

    async def _faults_of_anchors(self, report: Report, expected: str) -> AsyncIterator[Fault]:
        number, after, hashes = 0, START, set[str]()
        async for document in self._anchors.all():
            report.anchors += 1
            number += 1
            anchor = _anchor(document)
            found = _hash_of(document)
            if anchor is not None and anchor.number == number and self._chain.has_lost_key_of(anchor):
                report.unproven[anchor.key_version] += 1
            elif anchor is None or anchor.number != number or not self._chain.fits(anchor, found, after=after):
                yield Fault("", f"anchor {document['_id']} was altered, or one before it is missing")
            if anchor is not None:
                number = anchor.number
                for first in range(0, len(anchor.heads), _AT_ONCE):
                    for fault in await self._missing(anchor, anchor.heads[first : first + _AT_ONCE]):
                        yield fault
            after = found
            hashes.add(found.hex())
        if expected and expected.lower() not in hashes:
            yield Fault("", f"there is no anchor with the hash {expected}")

    async def _missing(self, anchor: Anchor, heads: Sequence[Head]) -> list[Fault]:
        """The heads of an anchor that are no longer what they were."""
        wanted = [link_id(head.account_id, head.number) for head in heads]
        with translated():
            documents = await self._entries.find({"_id": {"$in": wanted}}, {"hash": 1}).to_list(None)
        found = {document["_id"]: _hash_of(document) for document in documents}
        faults = []
        for head, name in zip(heads, wanted, strict=True):
            if name not in found:
                faults.append(Fault(head.account_id, f"entry {head.number}, which anchor {anchor.number} saw, is gone"))
            elif found[name] != head.hash:
                faults.append(Fault(head.account_id, f"entry {head.number} is not what anchor {anchor.number} saw"))
        return faults


def _link_of(document: Document) -> Link:
    """As `link_of`; raises TypeError where something is of another type than we write, a number for bytes above all."""
    if not _has_types(document, _LINK) or not isinstance(document.get("reason", b""), bytes):
        raise TypeError
    return link_of(document)


def _anchor(document: Document) -> Anchor | None:
    try:
        if not _has_types(document, _ANCHOR) or not all(isinstance(row[2], bytes) for row in document["heads"]):
            return None
        return anchor_of(document)
    except (KeyError, TypeError, ValueError, IndexError):
        return None


def _has_types(document: Document, types: Mapping[str, type]) -> bool:
    return all(isinstance(document.get(name), type_) for name, type_ in types.items())


def _hash_of(document: Document) -> bytes:
    found = document.get("hash")
    return found if isinstance(found, bytes) else b""


def _place_of(document: Document, last: Head) -> Head:
    """What the next entry must follow: this one as it is stored, altered or not, so that one fault is told once."""
    if not _has_types(document, {"number": int, "hash": bytes}):
        return last
    return Head(last.account_id, document["number"], document["hash"])
