"""What the raw prototypes share: the bare libraries, and the few tricks that ours uses too. No kit.

The guarantees are the same: journaled majority writes, natural keys, AES-256-GCM under a data key for each person,
HPKE to the reader, persistent messages published as mandatory and confirmed.
"""

import asyncio
import base64
import os
import resource
import time
from datetime import UTC, datetime
from typing import Any

import aiormq
import uvloop
from aiormq import spec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import InsertOne, UpdateOne, WriteConcern
from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
DURABLE = WriteConcern(w="majority", j=True)
QUICK = WriteConcern(w=1, j=False)
MAX_BATCH = 500


def now() -> datetime:
    return datetime.now(UTC)


def run(main: Any) -> None:
    """Run a raw process."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def open_database() -> Any:
    client: Any = AsyncIOMotorClient(os.environ["RAW_MONGO"], timeoutMS=5000, tz_aware=True, maxPoolSize=32)
    return client.get_database(os.environ["RAW_DATABASE"], write_concern=DURABLE, read_concern=ReadConcern("majority"))


class Group:
    """Group commit: writers that arrive while a command is under way share the next one."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self._waiting: list[tuple[Any, asyncio.Future[bool]]] = []
        self._busy = False

    async def insert(self, document: dict[str, Any]) -> bool:
        """False where the natural key is there already."""
        return await self._submit(InsertOne(document))

    async def update(self, filter_: dict[str, Any], change: dict[str, Any]) -> bool:
        return await self._submit(UpdateOne(filter_, change))

    async def _submit(self, operation: Any) -> bool:
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((operation, done))
        if not self._busy:
            self._busy = True
            self._task = asyncio.create_task(self._flush())
        return await done

    async def _flush(self) -> None:
        await asyncio.sleep(0)
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            failed: dict[int, int] = {}
            updates = sum(isinstance(operation, UpdateOne) for operation, _ in batch)
            try:
                matched = (await self._collection.bulk_write([o for o, _ in batch], ordered=False)).matched_count
            except BulkWriteError as error:
                failed = {row["index"]: row["code"] for row in error.details["writeErrors"]}
                matched = error.details["nMatched"]
            for place, (_, done) in enumerate(batch):
                if failed.get(place, 11000) != 11000 or matched != updates:
                    done.set_exception(RuntimeError("write failed"))
                else:
                    done.set_result(place not in failed)
        self._busy = False


class Lookups:
    """Look-ups by `_id` that arrive while a query is under way share the next one."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self._waiting: dict[Any, list[asyncio.Future[Any]]] = {}
        self._busy = False

    async def find(self, id_: Any) -> Any:
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(id_, []).append(done)
        if not self._busy:
            self._busy = True
            self._task = asyncio.create_task(self._flush())
        return await done

    async def _flush(self) -> None:
        await asyncio.sleep(0)
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            wanted = {"_id": {"$in": list(batch)}}
            found = {row["_id"]: row for row in await self._collection.find(wanted).to_list(None)}
            for id_, callers in batch.items():
                for done in callers:
                    done.set_result(found.get(id_))
        self._busy = False


class People:
    """The data keys of persons with an account; each is looked up again after 5 s, for it may have been erased."""

    def __init__(self, collection: Any, kek: AESGCM) -> None:
        self._lookups = Lookups(collection)
        self._new = Group(collection)
        self._kek = kek
        self._known: dict[str, tuple[AESGCM, float]] = {}

    async def key_of(self, person_id: str) -> AESGCM:
        aes, until = self._known.get(person_id, (None, 0.0))
        if aes is None or until < time.monotonic():
            aes = await self._read(person_id)
            self._known[person_id] = aes, time.monotonic() + 5
        return aes

    async def add(self, wrapped: dict[str, Any]) -> bool:
        return await self._new.insert(wrapped)

    async def _read(self, person_id: str) -> AESGCM:
        found = await self._lookups.find(person_id)
        if found is None:
            await self.add(Person(person_id, self._kek).wrapped)
            found = await self._lookups.find(person_id)  # the first one stands
        return AESGCM(self._kek.decrypt(found["box"][:12], found["box"][12:], person_id.encode()))


class Person:
    """A data key of one person, wrapped by the key-encryption key."""

    def __init__(self, person_id: str, kek: AESGCM) -> None:
        raw = os.urandom(32)
        nonce = os.urandom(12)
        self.aes = AESGCM(raw)
        self.wrapped = {"_id": person_id, "v": 1, "box": nonce + kek.encrypt(nonce, raw, person_id.encode())}

    def seal(self, value: bytes, place: str) -> bytes:
        return seal(self.aes, value, place)


def seal(aes: AESGCM, value: bytes, place: str) -> bytes:
    nonce = os.urandom(12)
    return nonce + aes.encrypt(nonce, value, place.encode())


class Reader:
    """A consuming service's pair of sealing keys."""

    def __init__(self, private: bytes) -> None:
        self._private = X25519PrivateKey.from_private_bytes(private)
        self.public: X25519PublicKey = self._private.public_key()
        self._carried: dict[bytes, AESGCM] = {}

    def open(self, box: str, info: str) -> bytes:
        raw = base64.urlsafe_b64decode(box + "==")
        carrier, nonce, sealed = raw[:80], raw[80:92], raw[92:]
        if carrier not in self._carried:
            self._carried = {carrier: AESGCM(SUITE.decrypt(carrier, self._private, b"carrier"))}
        return self._carried[carrier].decrypt(nonce, sealed, info.encode())


class SealTo:
    """Seals to one reader: a key that HPKE carries seals the values of a minute."""

    def __init__(self, public: X25519PublicKey) -> None:
        self._public = public
        self._until = 0.0

    def seal(self, value: bytes, info: str) -> str:
        if time.monotonic() >= self._until:
            raw, self._until = os.urandom(32), time.monotonic() + 60
            self._carrier, self._aes = SUITE.encrypt(raw, self._public, b"carrier"), AESGCM(raw)
        return base64.urlsafe_b64encode(self._carrier + seal(self._aes, value, info)).decode().rstrip("=")


class Publisher:
    """Confirmed publishing on one channel: all frames of a batch are written before the first confirm is awaited."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    @classmethod
    async def open(cls) -> "Publisher":
        connection = await aiormq.connect(os.environ["RAW_AMQP"])
        return cls(await connection.channel(publisher_confirms=True, on_return_raises=True))

    async def publish(self, rows: list[dict[str, Any]]) -> None:
        await asyncio.gather(*(self._send(row) for row in rows))

    async def _send(self, row: dict[str, Any]) -> None:
        await self._channel.basic_publish(
            row["body"],
            exchange="shop.events",
            routing_key=row["type"],
            properties=spec.Basic.Properties(
                content_type="application/cloudevents+json", delivery_mode=2, message_id=row["id"]
            ),
            mandatory=True,
            wait=False,
        )


class Relay:
    """Publishes what was handed over, then removes it from its document."""

    def __init__(self, collection: Any, publisher: Publisher) -> None:
        self._collection = collection.with_options(write_concern=QUICK)
        self._publisher = publisher
        self._handed: list[tuple[str, dict[str, Any]]] = []
        self._wake = asyncio.Event()
        self._is_publishing = False

    @property
    def is_busy(self) -> bool:
        return self._is_publishing or bool(self._handed)

    def announce(self, document_id: str, row: dict[str, Any]) -> None:
        self._handed.append((document_id, row))
        self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._handed:
                self._is_publishing = True
                batch, self._handed = self._handed[:MAX_BATCH], self._handed[MAX_BATCH:]
                await self._publisher.publish([row for _, row in batch])
                removals = [UpdateOne({"_id": key}, {"$pull": {"outbox": {"id": row["id"]}}}) for key, row in batch]
                await self._collection.bulk_write(removals, ordered=False)
            self._is_publishing = False
