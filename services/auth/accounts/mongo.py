"""Accounts in MongoDB: collection `accounts`. What expires here is removed by `services.auth.accounts.cleanup`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.auth.accounts.domain import CUSTOMER, Account, EmailChange, Proof, Registration
from services.auth.factors.documents import factors_fields, read_factors
from services.auth.refusals import AccountChanged, AccountNotFound, AddressTaken
from services.auth.trail import pending as trail
from services.auth.trail.pending import Noted, NoteTaker
from shared.events import Event
from shared.gather import GatheredWriter
from shared.gatherer import Gatherer
from shared.mongo import Database, Document, DuplicateKey, Index, ensure_indexes, translated
from shared.outbox import INDEX, Announcer, pending
from shared.reads import GatheredReader

COLLECTION = "accounts"
_EMAIL_INDEX = "email_key"
_FIELDS = {"outbox": 0, "notes": 0}
_WAITING = "registrations.proof.token_hash"
_CHANGE = "email_change.tokens"


async def ensure_account_indexes(database: Database) -> None:
    """One account for each address; links; staff; who has not proven the address; pending events and notes."""
    await ensure_indexes(
        database[COLLECTION],
        [
            Index(_EMAIL_INDEX, [("email_key", 1)], unique=True),
            Index("proof", [("proof.token_hash", 1)], unique=True, partial={"proof.token_hash": {"$exists": True}}),
            Index("registrations", [(_WAITING, 1)], unique=True, partial={_WAITING: {"$exists": True}}),
            Index("email_change", [(_CHANGE, 1)], unique=True, partial={_CHANGE: {"$exists": True}}),
            Index("unproven", [("verified_at", 1), ("created_at", 1)], partial={"verified_at": None}),
            Index("staff", [("staff", 1)], partial={"staff": True}),
            INDEX,
            trail.INDEX,
        ],
    )


class MongoAccounts:
    """`Accounts` on a database handle; tells the relays of each write with events or notes."""

    def __init__(self, database: Database, relay: Announcer, note_taker: NoteTaker) -> None:
        self._collection = database[COLLECTION]
        self._writer = GatheredWriter(self._collection)
        self._relay = relay
        self._note_taker = note_taker
        self._by_id = GatheredReader(self._collection, _FIELDS)
        self._by_email: Gatherer[str, Account | None] = Gatherer(self._read_by_email)

    async def get(self, account_id: str) -> Account:
        """See `Accounts.get`."""
        found = await self._by_id.find(account_id)
        if found is None:
            raise AccountNotFound
        return _account(found)

    async def find_by_email(self, email_key: str) -> Account | None:
        """See `Accounts.find_by_email`."""
        return await self._by_email.submit(email_key)

    async def find_by_proof(self, token_hash: bytes) -> Account | None:
        """See `Accounts.find_by_proof`."""
        return await self._find(with_link(token_hash))

    async def find_by_email_token(self, token_hash: bytes) -> Account | None:
        """See `Accounts.find_by_email_token`."""
        return await self._find({_CHANGE: token_hash})

    async def staff(self) -> list[Account]:
        """See `Accounts.staff`."""
        with translated():
            documents = await self._collection.find({"staff": True}).sort("created_at", 1).to_list(None)
        return [_account(document) for document in documents]

    async def add(self, account: Account, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> None:
        """See `Accounts.add`."""
        document = {"_id": account.id, **_fields(account), "outbox": pending(events), "notes": trail.pending(notes)}
        try:
            await self._writer.insert(document)
        except DuplicateKey as duplicate:
            raise _refusal(duplicate) from None
        self._relay.announce(COLLECTION, account.id, events)
        self._note_taker.take(COLLECTION, account.id, notes)

    async def save(self, account: Account, events: Sequence[Event], *, notes: Sequence[Noted] = ()) -> Account:
        """See `Accounts.save`."""
        version = account.version + 1
        change: dict[str, Any] = {"$set": _fields(account) | {"version": version}}
        if account.proof is None:
            change["$unset"] = {"proof": ""}
        if carried := ({"outbox": {"$each": pending(events)}} if events else {}) | trail.pushed(notes):
            change["$push"] = carried
        try:
            if not await self._writer.update({"_id": account.id, "version": account.version}, change):
                raise AccountChanged
        except DuplicateKey as duplicate:
            raise _refusal(duplicate) from None
        self._relay.announce(COLLECTION, account.id, events)
        self._note_taker.take(COLLECTION, account.id, notes)
        return _account({"_id": account.id, **change["$set"]})

    async def abandoned(self, *, at: datetime, limit: int) -> list[Account]:
        """See `Accounts.abandoned`."""
        with translated():
            found = self._collection.find(without_hope(at), _FIELDS).sort("created_at", 1).limit(limit)
            return [_account(document) for document in await found.to_list(limit)]

    async def remove(self, account: Account) -> bool:
        """See `Accounts.remove`."""
        unchanged = {"_id": account.id, "version": account.version, "outbox.0": {"$exists": False}, **trail.NONE_LEFT}
        with translated():
            done = await self._collection.delete_one(unchanged)
        return bool(done.deleted_count)

    async def forget_email_changes(self, *, at: datetime) -> int:
        """See `Accounts.forget_email_changes`."""
        over = {_CHANGE: {"$exists": True}, "email_change.expires_at": {"$lte": at}}
        with translated():
            done = await self._collection.update_many(over, {"$set": {"email_change": None}, "$inc": {"version": 1}})
        return int(done.modified_count)

    async def _read_by_email(self, keys: Sequence[str]) -> list[Account | Exception | None]:
        """Logins that come together share one query."""
        if len(keys) == 1:
            return [await self._find({"email_key": keys[0]})]
        wanted = list(set(keys))
        with translated():
            matching = self._collection.find({"email_key": {"$in": wanted}}, _FIELDS, batch_size=len(wanted) + 1)
            documents = await matching.to_list(None)
        found = {document["email_key"]: _account(document) for document in documents}
        return [found.get(key) for key in keys]

    async def _find(self, wanted: Mapping[str, Any]) -> Account | None:
        with translated():
            document = await self._collection.find_one(wanted, _FIELDS)
        return None if document is None else _account(document)


def with_link(token_hash: bytes) -> Document:
    """The filter for the account with this link, waiting or followed."""
    return {"$or": [{_WAITING: token_hash}, {"proof.token_hash": token_hash}]}


def without_hope(at: datetime) -> Document:
    """The filter for accounts that nobody has proven and nobody can any more; see `Account.is_abandoned`."""
    return {
        "verified_at": None,
        "registrations.proof.expires_at": {"$not": {"$gt": at}},
        "outbox.0": {"$exists": False},
        **trail.NONE_LEFT,
    }


def _refusal(duplicate: DuplicateKey) -> Exception:
    return AddressTaken() if duplicate.index == _EMAIL_INDEX else duplicate


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
        "password_is_long": account.password_is_long,
        "password_serial": account.password_serial,
        "email_change": None if account.email_change is None else _change_fields(account.email_change),
        "former_emails": list(account.former_emails),
        "is_owners": account.is_owners,
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
        "language": registration.language,
    }


def _change_fields(change: EmailChange) -> Document:
    return {
        "email_key": change.email_key,
        "email": change.email,
        "confirm": _proof_fields(change.confirm),
        "approve": _proof_fields(change.approve),
        "tokens": [change.confirm.token_hash, change.approve.token_hash],
        "expires_at": change.confirm.expires_at,
    }


def _proof_fields(proof: Proof) -> Document:
    return {
        "token_hash": proof.token_hash,
        "expires_at": proof.expires_at,
        "used_at": proof.used_at,
        "code_hash": proof.code_hash,
    }


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
        password_is_long=document.get("password_is_long", True),
        password_serial=document.get("password_serial", 1),
        email_change=_change(document.get("email_change")),
        former_emails=tuple(bytes(each) for each in document.get("former_emails", ())),
        is_owners=document.get("is_owners", False),
        version=document["version"],
    )


def _registration(document: Document) -> Registration:
    return Registration(
        proof=_proof(document["proof"]),
        email=bytes(document["email"]),
        name=bytes(document["name"]),
        password=bytes(document["password"]),
        language=document.get("language", "en"),
    )


def _change(document: Document | None) -> EmailChange | None:
    if document is None:
        return None
    return EmailChange(
        email_key=document["email_key"],
        email=bytes(document["email"]),
        confirm=_proof(document["confirm"]),
        approve=_proof(document["approve"]),
    )


def _proof(document: Document) -> Proof:
    code = document.get("code_hash")
    return Proof(
        token_hash=bytes(document["token_hash"]),
        expires_at=document["expires_at"],
        used_at=document["used_at"],
        code_hash=None if code is None else bytes(code),
    )
