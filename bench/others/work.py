"""The work that each of them does: a purchase event to one record for each item, as their users would write it.

As in ours: the buyer is opened (HPKE), sealed under a data key of the person's own, found by a keyed hash; the record
is written under its natural key, journaled on a majority, and the message acknowledged afterwards.
"""

import os
import time
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import MongoClient
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from bench.raw_parts import DURABLE, Person, Reader
from bench.raw_warranty import document_of, read

_KNOWN_S = 5.0


class _Keys:
    """The data keys that were looked up a moment ago."""

    def __init__(self, secret: bytes) -> None:
        self.kek = AESGCM(secret)
        self._known: dict[str, tuple[AESGCM, float]] = {}

    def known(self, person_id: str) -> AESGCM | None:
        aes, until = self._known.get(person_id, (None, 0.0))
        return aes if until >= time.monotonic() else None

    def read(self, found: dict[str, Any]) -> AESGCM:
        box, person_id = found["box"], found["_id"]
        aes = AESGCM(self.kek.decrypt(box[:12], box[12:], person_id.encode()))
        self._known[person_id] = aes, time.monotonic() + _KNOWN_S
        return aes

    def new(self, person_id: str) -> dict[str, Any]:
        return Person(person_id, self.kek).wrapped


class Recorder:
    """For those that call a plain function."""

    def __init__(self) -> None:
        self._secret = bytes.fromhex(os.environ["RAW_SECRET"])
        self._reader, self._keys = Reader(self._secret), _Keys(self._secret)
        client: Any = MongoClient(os.environ["RAW_MONGO"], timeoutMS=5000, tz_aware=True, maxPoolSize=32)
        self._database = client.get_database(
            os.environ["RAW_DATABASE"], write_concern=DURABLE, read_concern=ReadConcern("majority")
        )

    def record(self, body: bytes) -> None:
        data, owner = read(body, self._reader)
        aes = self._key_of(owner) if owner else None
        for item in data["items"]:
            self._insert("purchases", document_of(data, item, owner, aes, self._secret))

    def _key_of(self, person_id: str) -> AESGCM:
        aes = self._keys.known(person_id)
        if aes is not None:
            return aes
        found = self._database["data_keys"].find_one({"_id": person_id})
        if found is None:
            self._insert("data_keys", self._keys.new(person_id))
            found = self._database["data_keys"].find_one({"_id": person_id})  # the first one stands
        return self._keys.read(found)

    def _insert(self, collection: str, document: dict[str, Any]) -> None:
        try:
            self._database[collection].insert_one(document)
        except DuplicateKeyError:
            return


class AsyncRecorder:
    """For those that await a coroutine."""

    def __init__(self) -> None:
        self._secret = bytes.fromhex(os.environ["RAW_SECRET"])
        self._reader, self._keys = Reader(self._secret), _Keys(self._secret)
        client: Any = AsyncIOMotorClient(os.environ["RAW_MONGO"], timeoutMS=5000, tz_aware=True, maxPoolSize=32)
        self._database = client.get_database(
            os.environ["RAW_DATABASE"], write_concern=DURABLE, read_concern=ReadConcern("majority")
        )

    async def record(self, body: bytes) -> None:
        data, owner = read(body, self._reader)
        aes = await self._key_of(owner) if owner else None
        for item in data["items"]:
            await self._insert("purchases", document_of(data, item, owner, aes, self._secret))

    async def _key_of(self, person_id: str) -> AESGCM:
        aes = self._keys.known(person_id)
        if aes is not None:
            return aes
        found = await self._database["data_keys"].find_one({"_id": person_id})
        if found is None:
            await self._insert("data_keys", self._keys.new(person_id))
            found = await self._database["data_keys"].find_one({"_id": person_id})  # the first one stands
        return self._keys.read(found)

    async def _insert(self, collection: str, document: dict[str, Any]) -> None:
        try:
            await self._database[collection].insert_one(document)
        except DuplicateKeyError:
            return
