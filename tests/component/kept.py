"""Databases that a worker keeps for the tests of one service: with all of its indexes, and empty before each test.

Making dozens of indexes takes ten times as long as emptying their collections, and most of it on the database's side.
"""

import os
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pymongo import MongoClient

from shared.mongo import DURABLE, Database

Ensure = Callable[[Database], Awaitable[None]]
QUIET_WITHIN_S = 10.0


@dataclass
class Kept:
    """One for each worker: which databases it has, by what makes their indexes."""

    client: MongoClient[dict[str, Any]]
    names: dict[Ensure, str] = field(default_factory=dict)
    indexes: dict[str, int] = field(default_factory=dict)
    """How many beside `_id`, in a database that is ready."""

    @contextmanager
    def lent(self, ensure: Ensure) -> Iterator[str]:
        """The name of a database that is empty and, unless it is new, indexed; afterwards it is emptied again.

        One whose indexes a test has changed, or to which somebody still talks, is not used again.
        """
        name = self.names.setdefault(ensure, f"test-{os.getpid()}-{secrets.token_hex(6)}")
        yield name
        if not self._is_quiet(name) or self._indexes(name) != self.indexes.get(name):
            del self.names[ensure]
            self.drop(name)
            return
        for database in _with_keys(name):
            self._empty(database)

    def is_ready(self, name: str) -> bool:
        return name in self.indexes

    def ready(self, name: str) -> None:
        """It has its indexes now."""
        self.indexes[name] = self._indexes(name)

    def drop(self, name: str) -> None:
        for database in _with_keys(name):
            self.client.drop_database(database)

    def _indexes(self, name: str) -> int:
        stats = self.client[name].command("dbStats")
        return int(stats["indexes"] - stats["collections"])

    def _is_quiet(self, name: str) -> bool:
        """Whether nobody is connected any more: then nothing that was under way is written after the emptying.

        Those that ask for the server's state leave a little later, and write nothing.
        """
        others = {"appName": name, "command.hello": {"$exists": False}}
        looking = [{"$currentOp": {"allUsers": True, "idleConnections": True}}, {"$match": others}]
        deadline = time.monotonic() + QUIET_WITHIN_S
        while list(self.client.admin.aggregate(looking)):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True

    def _empty(self, name: str) -> None:
        database = self.client.get_database(name, write_concern=DURABLE)
        for collection in database.list_collection_names():
            database[collection].delete_many({})


def _with_keys(name: str) -> tuple[str, str]:
    return name, f"{name}_keys"
