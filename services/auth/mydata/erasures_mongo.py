"""Erasures in MongoDB: the field `erasing` of an account's document, and collection `erasures` for receipts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.auth.accounts.domain import Account, nobodys_key
from services.auth.accounts.mongo import COLLECTION as ACCOUNTS
from services.auth.factors.documents import factors_fields
from services.auth.factors.domain import NO_FACTORS
from services.auth.mydata.domain import RECEIPT_KEPT, Erasure, Outcome
from services.auth.refusals import AccountChanged
from services.auth.trail import pending as trail
from services.auth.trail.pending import Noted, NoteTaker
from shared.contracts.persons import Erased, Kept
from shared.events import Event, decode
from shared.mongo import Database, Document, DuplicateKey, Index, ensure_indexes, translated
from shared.outbox import INDEX, Announcer, pending

COLLECTION = "erasures"
_WITHOUT_CARRIED = {"outbox": 0, "notes": 0}


async def ensure_erasure_indexes(database: Database) -> None:
    """Accounts that are being erased; receipts by token; expiry; pending mails and notes."""
    erasing = {"erasing.asked_at": {"$exists": True}}
    await ensure_indexes(database[ACCOUNTS], [Index("erasing", [("erasing.asked_at", 1)], partial=erasing)])
    await ensure_indexes(
        database[COLLECTION],
        [
            Index("token", [("token_hash", 1)], unique=True),
            Index("expiry", [("expires_at", 1)], expire_after_s=0),
            INDEX,
            trail.INDEX,
        ],
    )


class MongoErasures:
    """`Erasures` on a database handle; tells the relays of each write with events or notes."""

    def __init__(self, database: Database, relay: Announcer, note_taker: NoteTaker) -> None:
        self._accounts = database[ACCOUNTS]
        self._erasures = database[COLLECTION]
        self._relay = relay
        self._note_taker = note_taker

    async def begin(
        self, account: Account, erasure: Erasure, events: Sequence[Event], *, notes: Sequence[Noted] = ()
    ) -> None:
        """See `Erasures.begin`. The sealed values stay until the document goes: their key goes first."""
        unchanged = {"_id": account.id, "version": account.version, "erasing": {"$exists": False}}
        change = {
            "$set": {
                "email_key": nobodys_key(account.id),
                "registrations": [],
                "email_change": None,
                "factors": factors_fields(NO_FACTORS),
                "erasing": _fields(erasure),
                "version": account.version + 1,
            },
            "$unset": {"proof": 1},
            "$push": {"outbox": {"$each": pending(events)}} | trail.pushed(notes),
        }
        with translated():
            done = await self._accounts.update_one(unchanged, change)
        if not done.matched_count:
            raise AccountChanged
        self._relay.announce(ACCOUNTS, account.id, events)
        self._note_taker.take(ACCOUNTS, account.id, notes)

    async def begun(self, *, limit: int) -> list[Erasure]:
        """See `Erasures.begun`."""
        wanted = {"erasing.asked_at": {"$exists": True}}
        with translated():
            found = self._accounts.find(wanted, {"erasing": 1}).sort("erasing.asked_at", 1).limit(limit)
            return [_erasure(each["erasing"], account_id=each["_id"]) for each in await found.to_list(limit)]

    async def find_begun(self, account_id: str) -> Erasure | None:
        """See `Erasures.find_begun`."""
        with translated():
            found = await self._accounts.find_one({"_id": account_id, "erasing": {"$exists": True}}, {"erasing": 1})
        return None if found is None else _erasure(found["erasing"], account_id=account_id)

    async def open(self, erasure: Erasure) -> bool:
        """See `Erasures.open`."""
        document = {
            "_id": erasure.id,
            "account_id": erasure.account_id,
            **{name: value for name, value in _fields(erasure).items() if name != "id"},
            "completed_at": None,
            "expires_at": erasure.asked_at + RECEIPT_KEPT,
        }
        try:
            with translated():
                await self._erasures.insert_one(document)
        except DuplicateKey:
            return False
        return True

    async def find_by_token(self, token_hash: bytes) -> Erasure | None:
        """See `Erasures.find_by_token`."""
        with translated():
            document = await self._erasures.find_one({"token_hash": token_hash}, _WITHOUT_CARRIED)
        return None if document is None else _erasure({"id": document["_id"], **document})

    async def note(self, erasure_id: str, service: str, outcome: Outcome) -> Erasure | None:
        """See `Erasures.note`."""
        first = {"_id": erasure_id, f"outcomes.{service}": {"$exists": False}}
        with translated():
            await self._erasures.update_one(first, {"$set": {f"outcomes.{service}": _outcome_fields(outcome)}})
            document = await self._erasures.find_one({"_id": erasure_id}, _WITHOUT_CARRIED)
        return None if document is None else _erasure({"id": document["_id"], **document})

    async def complete(self, erasure_id: str, *, at: datetime, notes: Sequence[Noted] = ()) -> bool:
        """See `Erasures.complete`."""
        with translated():
            found = await self._erasures.find_one({"_id": erasure_id, "completed_at": None}, {"mail": 1})
            if found is None:
                return False
            mail = decode(bytes(found["mail"]["body"]))
            done = await self._erasures.update_one(
                {"_id": erasure_id, "completed_at": None},
                {
                    "$set": {"completed_at": at, "outbox": [found["mail"]], "notes": trail.pending(notes)},
                    "$unset": {"mail": 1, "account_id": 1},
                },
            )
        if done.matched_count:
            self._relay.announce(COLLECTION, erasure_id, [mail])
            self._note_taker.take(COLLECTION, erasure_id, notes)
        return bool(done.matched_count)


def _fields(erasure: Erasure) -> Document:
    assert erasure.mail is not None
    return {
        "id": erasure.id,
        "token_hash": erasure.token_hash,
        "asked_at": erasure.asked_at,
        "mail": pending([erasure.mail])[0],
        "outcomes": {service: _outcome_fields(each) for service, each in erasure.outcomes.items()},
    }


def _outcome_fields(outcome: Outcome) -> Document:
    return {
        "erased": [each.model_dump() for each in outcome.erased],
        "kept": [each.model_dump() for each in outcome.kept],
    }


def _erasure(document: Mapping[str, Any], *, account_id: str = "") -> Erasure:
    mail = document.get("mail")
    return Erasure(
        id=document["id"],
        token_hash=bytes(document["token_hash"]),
        asked_at=document["asked_at"],
        account_id=account_id or document.get("account_id", ""),
        mail=None if mail is None else decode(bytes(mail["body"])),
        outcomes={service: _outcome(each) for service, each in document["outcomes"].items()},
        completed_at=document.get("completed_at"),
    )


def _outcome(document: Mapping[str, Any]) -> Outcome:
    erased = tuple(Erased.model_validate(each) for each in document["erased"])
    return Outcome(erased, tuple(Kept.model_validate(each) for each in document["kept"]))
