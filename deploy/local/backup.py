"""Backups of the stack's databases: every one at the same moment, while everything goes on.

A backup is a folder: `data/` and `keys/`, which belong in different places (decision 6), each with
`<database>/<collection>.bson` as mongodump writes them, and `manifest.json`, written last. In each service's database
of a backup lies one document more than in life, in the collection `restored`: whoever restores it, by whatever tool,
has newsletters locked.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.client_session import ClientSession

from deploy.local.layout import SERVICES, private_directory, write_private
from shared.restored import COLLECTION as RESTORED
from shared.restored import DOCUMENT

PARTS = ("data", "keys")
MANIFEST = "manifest.json"
CLOCKS_DIFFER = timedelta(minutes=1)
"""The mark is so much later than the moment: nothing in the backup is younger than it, by whatever machine's clock."""
_BATCH = 1000


class NoBackup(Exception):
    """The folder holds no whole backup; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Held:
    """One collection of a backup."""

    database: str
    collection: str
    documents: int
    sha256: str

    def file(self, folder: Path) -> Path:
        """Where it lies."""
        return folder / self.database / f"{self.collection}.bson"


def back_up(
    client: "MongoClient[Any]", folder: Path, *, parts: Sequence[str] = PARTS, services: Sequence[str] = SERVICES
) -> int:
    """Write a backup as of one moment; how many documents. Refuses a folder that holds one already.

    Reads with read concern `snapshot` and one cluster time, which the server keeps for five minutes unless told
    otherwise (`minSnapshotHistoryWindowInSeconds`): what takes longer fails rather than mixing moments.
    """
    for part in parts:
        if (folder / part).exists():
            raise NoBackup(f"{folder / part} is there already")
    count = 0
    with client.start_session(snapshot=True) as session:
        client[services[0]][RESTORED].find_one(session=session)  # from here on all reads are of this moment
        at = datetime.now(UTC)
        for part in parts:
            held = [
                each
                for database in _databases(part, services)
                for each in _dump(client, session, folder / part, database, at)
            ]
            manifest = {"part": part, "at": at.isoformat(), "held": [asdict(each) for each in held]}
            write_private(folder / part / MANIFEST, json.dumps(manifest, indent=1) + "\n")
            count += sum(each.documents for each in held)
    return count


def check(folder: Path, part: str) -> tuple[datetime, list[Held]]:
    """When a part of a backup was made, and what it holds.

    Raises:
        NoBackup: it was not finished, is another part, or has been altered.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except FileNotFoundError:
        raise NoBackup(f"{folder} holds no finished backup: {MANIFEST} is missing") from None
    if manifest["part"] != part:
        raise NoBackup(f"{folder} holds {manifest['part']}, not {part}")
    held = [Held(**row) for row in manifest["held"]]
    for each in held:
        file = each.file(folder)
        if not file.exists() or _digest(file) != each.sha256:
            raise NoBackup(f"{file} is missing or altered")
    return datetime.fromisoformat(manifest["at"]), held


def load(client: "MongoClient[Any]", folder: Path, held: list[Held]) -> int:
    """Put everything back; what is there already stays as it is, so that tombstones of erased persons do. How many."""
    count = 0
    for each in held:
        collection = client[each.database][each.collection]
        for batch in _batches(each.file(folder)):
            ids = [document["_id"] for document in batch]
            there = {document["_id"] for document in collection.find({"_id": {"$in": ids}}, {"_id": 1})}
            new = [document for document in batch if document["_id"] not in there]
            if new:
                collection.insert_many(new, ordered=False)
            count += len(new)
    return count


def is_empty(client: "MongoClient[Any]", services: Sequence[str] = SERVICES) -> bool:
    """Whether no service has a document yet."""
    return all(
        client[database][name].find_one({}, {"_id": 1}) is None
        for database in _databases("data", services)
        for name in client[database].list_collection_names()
    )


def _databases(part: str, services: Sequence[str]) -> list[str]:
    return [f"{service}_keys" if part == "keys" else service for service in services]


def _dump(
    client: "MongoClient[Any]", session: ClientSession, folder: Path, database: str, at: datetime
) -> Iterator[Held]:
    names = [name for name in client[database].list_collection_names() if not name.startswith("system.")]
    for name in sorted({*names, RESTORED} if not database.endswith("_keys") else names):
        raw = client[database].get_collection(name, codec_options=bson.CodecOptions(RawBSONDocument))
        found = (document.raw for document in raw.find({}, session=session, batch_size=_BATCH))
        mark = [bson.encode({"_id": DOCUMENT, "at": at + CLOCKS_DIFFER})] if name == RESTORED else []
        yield _write(folder, database, name, mark or found)


def _write(folder: Path, database: str, collection: str, documents: Iterable[bytes]) -> Held:
    digest, count = sha256(), 0
    file = private_directory(folder / database) / f"{collection}.bson"
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        for document in documents:
            out.write(document)
            digest.update(document)
            count += 1
        out.flush()
        os.fsync(out.fileno())
    return Held(database, collection, count, digest.hexdigest())


def _batches(file: Path) -> Iterator[list[Mapping[str, Any]]]:
    batch: list[Mapping[str, Any]] = []
    with file.open("rb") as source:
        for document in bson.decode_file_iter(source, bson.CodecOptions(RawBSONDocument)):
            batch.append(document)
            if len(batch) == _BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _digest(file: Path) -> str:
    with file.open("rb") as source:
        digest = sha256()
        while block := source.read(1024 * 1024):
            digest.update(block)
    return digest.hexdigest()
