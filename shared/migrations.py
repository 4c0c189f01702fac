"""Documents of an older form brought to the present one: forward only, resumable, beside old and new processes.

A migration names the documents that still have the old form, and how one of them changes. Each change is a conditional
write of one document that says again what it found, so that a document which somebody changes meanwhile is left, and
looked at once more. How far a run has come stands in the collection `migrations`: one that was ended goes on there.

A release first reads both forms, then its migration runs, and only a later release may do without the old form. While
processes of the older release run, they may write more of it: run `migrate` again when the last of them has gone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.leases import Leases
from shared.mongo import Collection, Database, Document, bulk_write, translated, update

COLLECTION = "migrations"
BATCH = 500
_LEASE = "migrations"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step forward. `name` never changes; the migration stays in the code as long as any shop may need it.

    `old` is the query for documents of the old form. `change` is an update, or a function that makes one out of the
    fields `reads` of a document (and its `_id`); these must then still be what they were when it is written.
    """

    name: str
    collection: str
    old: Mapping[str, Any]
    change: Mapping[str, Any] | Callable[[Document], Mapping[str, Any]]
    reads: tuple[str, ...] = ()

    def write(self, document: Document) -> Any:
        """The conditional write for one document."""
        guard: Document = {name: document.get(name, {"$exists": False}) for name in self.reads}
        change = self.change(document) if callable(self.change) else self.change
        return update({"$and": [{"_id": document["_id"]}, self.old, guard]}, change)


@dataclass(slots=True)
class Progress:
    """What a run has done: documents changed, and those of the old form that were left because they were changing."""

    done: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    is_busy: bool = False
    """Another process is at it."""


async def migrate(
    database: Database, migrations: Sequence[Migration], leases: Leases, *, batch: int = BATCH
) -> Progress:
    """Run all of them, each from where it was left. May be ended at any moment and begun again.

    Raises:
        TransientError: the database is away, or the lease was lost; what is done stays done.
    """
    progress = Progress()
    async with leases.hold(_LEASE) as fence:
        progress.is_busy = fence is None
        for migration in migrations if fence else ():
            progress.done[migration.name] = 0
            while (changed := await _some(database, migration, batch)) is not None:
                progress.done[migration.name] += changed
            progress.left[migration.name] = await remaining(database, migration)
    return progress


async def remaining(database: Database, migration: Migration) -> int:
    """How many documents still have the old form."""
    with translated():
        return int(await database[migration.collection].count_documents(migration.old))


async def _some(database: Database, migration: Migration, batch: int) -> int | None:
    """The next documents; how many were changed, None where the run has come to its end and begins anew."""
    state, documents = database[COLLECTION], database[migration.collection]
    with translated():
        at = await state.find_one({"_id": migration.name}) or {}
        found = await _next(documents, migration, at, batch)
        if not found:
            await state.update_one({"_id": migration.name}, {"$unset": {"after": 1}, "$inc": {"runs": 1}}, upsert=True)
            return None
    outcome = await bulk_write(documents, [migration.write(document) for document in found])
    with translated():
        reached = {"$set": {"after": found[-1]["_id"]}, "$inc": {"done": outcome.matched}}
        await state.update_one({"_id": migration.name}, reached, upsert=True)
    return outcome.matched


async def _next(documents: Collection, migration: Migration, at: Document, batch: int) -> list[Document]:
    behind: Mapping[str, Any] = {"_id": {"$gt": at["after"]}} if "after" in at else {}
    wanted = {"$and": [behind, migration.old]} if behind else migration.old
    fields = {"_id": 1} | dict.fromkeys(migration.reads, 1)
    return await documents.find(wanted, fields).sort("_id", 1).limit(batch).to_list(None)
