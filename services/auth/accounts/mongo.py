"""Accounts in MongoDB: collection `accounts`. See `mongo_sessions` for what expires by itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.auth.accounts.domain import CUSTOMER, Account, Proof, Registration
from services.auth.factors.documents import factors_fields, read_factors
from services.auth.refusals import AccountChanged, AccountNotFound, AddressTaken
from shared.events import Event
from shared.gather import GatheredWriter
from shared.mongo import Database, Document, DuplicateKey, Index, ensure_indexes, translated
from shared.outbox import INDEX, Announcer, pending

COLLECTION = "accounts"
_EMAIL_INDEX = "email_key"
_WAITING = "registrations.proof.token_hash"


async def ensure_account_indexes(database: Database) -> None:
    """One account for each address; links; staff; pending events."""
    await ensure_indexes(
        database[COLLECTION],
        [
            Index(_EMAIL_INDEX, [("email_key", 1)], unique=True),
            Index("proof", [("proof.token_hash", 1)], unique=True, partial={"proof.token_hash": {"$exists": True}}),
            Index("registrations", [(_WAITING, 1)], unique=True, partial={_WAITING: {"$exists": True}}),
            Index("staff", [("staff", 1)], partial={"staff": True}),
            INDEX,
        ],
    )


class MongoAccounts:
    """`Accounts` on a database handle; tells the relay of each write with events."""

    def __init__(self, database: Database, relay: Announcer) -> None:
        self._collection = database[COLLECTION]
        self._writer = GatheredWriter(self._collection)
        self._relay = relay

    async def get(self, account_id: str) -> Account:
        """See `Accounts.get`."""
        found = await self._find({"_id": account_id})
        if found is None:
            raise AccountNotFound
        return found

    async def find_by_email(self, email_key: str) -> Account | None:
        """See `Accounts.find_by_email`."""
        return await self._find({"email_key": email_key})

    async def find_by_proof(self, token_hash: bytes) -> Account | None:
        """See `Accounts.find_by_proof`."""
        return await self._find(with_link(token_hash))

    async def staff(self) -> list[Account]:
        """See `Accounts.staff`."""
        with translated():
            documents = await self._collection.find({"staff": True}).sort("created_at", 1).to_list(None)
        return [_account(document) for document in documents]

    async def add(self, account: Account, events: Sequence[Event]) -> None:
        """See `Accounts.add`."""
        document = {"_id": account.id, **_fields(account), "outbox": pending(events)}
        try:
            await self._writer.insert(document)
        except DuplicateKey as duplicate:
            if duplicate.index != _EMAIL_INDEX:
                raise
            raise AddressTaken from None
        self._relay.announce(COLLECTION, account.id, events)

    async def save(self, account: Account, events: Sequence[Event]) -> Account:
        """See `Accounts.save`."""
        version = account.version + 1
        change: dict[str, Any] = {"$set": _fields(account) | {"version": version}}
        if account.proof is None:
            change["$unset"] = {"proof": ""}
        if events:
            change["$push"] = {"outbox": {"$each": pending(events)}}
        if not await self._writer.update({"_id": account.id, "version": account.version}, change):
            raise AccountChanged
        self._relay.announce(COLLECTION, account.id, events)
        return _account({"_id": account.id, **change["$set"]})

    async def _find(self, wanted: Mapping[str, Any]) -> Account | None:
        with translated():
            document = await self._collection.find_one(wanted, {"outbox": 0})
        return None if document is None else _account(document)


def with_link(token_hash: bytes) -> Document:
    """The filter for the account with this link, waiting or followed."""
    return {"$or": [{_WAITING: token_hash}, {"proof.token_hash": token_hash}]}


def _fields(account: Account) -> Document:
    """What may change. An absent proof is left out, as its index covers only what is there."""
    document: Document = {
        "email_key": account.email_key,
        "email": account.email,
        "name": account.name,
        "password": account.password,
        "roles": sorted(account.roles),
        "staff": account.is_staff,
        "created_at": account.created_at,
        "verified_at": account.verified_at,
        "registrations": [_registration_fields(each) for each in account.registrations],
        "factors": factors_fields(account.factors),
        "language": account.language,
        "version": account.version,
    }
    if account.proof is not None:
        document["proof"] = _proof_fields(account.proof)
    return document


def _registration_fields(registration: Registration) -> Document:
    return {
        "proof": _proof_fields(registration.proof),
        "email": registration.email,
        "name": registration.name,
        "password": registration.password,
    }


def _proof_fields(proof: Proof) -> Document:
    return {"token_hash": proof.token_hash, "expires_at": proof.expires_at, "used_at": proof.used_at}


def _account(document: Document) -> Account:
    return Account(
        id=document["_id"],
        email_key=document["email_key"],
        email=bytes(document["email"]),
        name=bytes(document["name"]),
        password=bytes(document["password"]),
        created_at=document["created_at"],
        roles=frozenset(document["roles"]) | {CUSTOMER},
        verified_at=document["verified_at"],
        proof=_proof(document["proof"]) if "proof" in document else None,
        registrations=tuple(_registration(each) for each in document.get("registrations", ())),
        factors=read_factors(document.get("factors")),
        language=document.get("language", "en"),
        version=document["version"],
    )


def _registration(document: Document) -> Registration:
    return Registration(
        proof=_proof(document["proof"]),
        email=bytes(document["email"]),
        name=bytes(document["name"]),
        password=bytes(document["password"]),
    )


def _proof(document: Document) -> Proof:
    return Proof(bytes(document["token_hash"]), document["expires_at"], document["used_at"])
