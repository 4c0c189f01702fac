"""Notes ride in the write that they are about: embedded in the document that changes, appended to the chain afterwards.

A document that changes carries its notes in the field `notes`, in the same single-document write, as it carries its
events in `outbox`. The process that wrote appends them at once (`services.auth.trail.relay`); what a killed process has
left is found through a partial index on *documents with pending notes*. A note has a key of its own, by which the chain
takes it once, however often it is told.

A change of several documents puts the same note into each: whoever dies between them has left it with the first.
What changes no document (somebody looked, something was refused) is appended by `Trail.append` itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.auth.trail.domain import Note, What
from shared.ids import new_id
from shared.mongo import Document, Index

FIELD = "notes"
INDEX = Index("notes_pending", [(f"{FIELD}.at", 1)], partial={f"{FIELD}.at": {"$exists": True}})
"""Every collection whose documents carry notes has this index; it holds only the documents with pending ones."""
NONE_LEFT = {f"{FIELD}.0": {"$exists": False}}
"""The condition under which a document may be removed: its notes are all in their chains."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A note with the account whose chain it belongs to, and the key by which it is appended once."""

    account_id: str
    note: Note
    key: str


def noted(account_id: str, what: What, at: datetime, *, key: str = "", **details: str) -> Noted:
    """Something that happens to an account by the write that this goes with.

    Args:
        account_id: whose chain.
        what: what happens.
        at: when.
        key: the natural key, where several writes may tell of the same thing; else this is a thing of its own.
        details: codes and ids, never a personal value in clear.
    """
    return Noted(account_id, Note(what, at, details), key or new_id())


class NoteTaker(Protocol):
    """What a store needs of the relay to the chains."""

    def take(self, collection: str, document_id: object, notes: Sequence[Noted]) -> None:
        """Take over the notes that have just been stored with a document.

        Never waits and never fails: what is not taken over is found in the database.
        """


def pending(notes: Sequence[Noted]) -> list[Document]:
    """What to store in the field `notes` of the document that these belong to."""
    return [
        {
            "key": each.key,
            "account_id": each.account_id,
            "what": each.note.what,
            "at": each.note.at,
            "details": dict(each.note.details),
            "reason": each.note.reason,
        }
        for each in notes
    ]


def pushed(notes: Sequence[Noted]) -> Document:
    """What `$push` must hold for an update to carry them; empty where there are none."""
    return {FIELD: {"$each": pending(notes)}} if notes else {}


def read_pending(rows: Sequence[Document]) -> tuple[Noted, ...]:
    """Undo `pending`."""
    return tuple(
        Noted(row["account_id"], Note(row["what"], row["at"], dict(row["details"]), bytes(row["reason"])), row["key"])
        for row in rows
    )
