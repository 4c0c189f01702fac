"""Backups: one moment for every database, whole or refused, and what is there stays."""

import json
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from deploy.local.backup import CLOCKS_DIFFER, MANIFEST, NoBackup, back_up, check, is_empty, load


@pytest.fixture
def client(mongo_url: str) -> Iterator["MongoClient[Any]"]:
    with MongoClient(mongo_url, tz_aware=True) as opened:
        yield opened


@pytest.fixture
def services(client: "MongoClient[Any]") -> Iterator[list[str]]:
    """Two services that nobody else has."""
    names = [f"test-{secrets.token_hex(6)}" for _ in range(2)]
    yield names
    for name in names:
        client.drop_database(name)
        client.drop_database(f"{name}_keys")


def test_a_backup_is_of_one_moment_while_writes_go_on(
    client: "MongoClient[Any]", services: list[str], tmp_path: Path
) -> None:
    first, second = services
    client[first].orders.insert_one({"_id": -1})
    client[second].records.insert_one({"_id": -1})
    enough, written = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not enough.is_set():
            client[first].orders.insert_one({"_id": number, "pad": "x" * 1000})
            client[second].records.insert_one({"_id": number})  # only ever after the order
            number += 1
            if number == 200:
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(60)
        back_up(client, tmp_path, services=services)
    finally:
        enough.set()
        writer.join()

    _, held = check(tmp_path / "data", "data")
    counts = {(each.database, each.collection): each.documents for each in held}
    assert counts[first, "orders"] - counts[second, "records"] in (0, 1)
    assert counts[first, "orders"] >= 201


def test_what_is_restored_is_what_was_and_carries_its_mark(
    client: "MongoClient[Any]", services: list[str], tmp_path: Path
) -> None:
    name = services[0]
    documents = [{"_id": number, "box": bytes([number % 256]) * 10, "deep": {"n": [number]}} for number in range(2500)]
    client[name].things.insert_many(documents)
    client[f"{name}_keys"].data_keys.insert_many([{"_id": "ann", "box": b"a"}, {"_id": "ben", "box": b"b"}])
    back_up(client, tmp_path, services=services)
    for database in (name, f"{name}_keys"):
        client.drop_database(database)
    client[f"{name}_keys"].data_keys.insert_one({"_id": "ann", "erased_at": 1})
    assert is_empty(client, services)

    at, held = check(tmp_path / "data", "data")
    load(client, tmp_path / "data", held)
    load(client, tmp_path / "keys", check(tmp_path / "keys", "keys")[1])

    assert not is_empty(client, services)
    assert list(client[name].things.find().sort("_id", 1)) == documents
    mark = client[name].restored.find_one()
    assert mark is not None
    assert abs((mark["at"] - at - CLOCKS_DIFFER).total_seconds()) < 0.001
    keys = {row["_id"]: set(row) for row in client[f"{name}_keys"].data_keys.find()}
    assert keys == {"ann": {"_id", "erased_at"}, "ben": {"_id", "box"}}


def test_what_is_unfinished_altered_or_another_part_is_refused(
    client: "MongoClient[Any]", services: list[str], tmp_path: Path
) -> None:
    client[services[0]].things.insert_one({"_id": 1})
    back_up(client, tmp_path, services=services)
    with pytest.raises(NoBackup, match="there already"):
        back_up(client, tmp_path, services=services)
    with pytest.raises(NoBackup, match="holds data, not keys"):
        check(tmp_path / "data", "keys")

    file = tmp_path / "data" / services[0] / "things.bson"
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    with pytest.raises(NoBackup, match="altered"):
        check(tmp_path / "data", "data")
    (tmp_path / "keys" / MANIFEST).unlink()
    with pytest.raises(NoBackup, match="no finished backup"):
        check(tmp_path / "keys", "keys")
    assert json.loads((tmp_path / "data" / MANIFEST).read_text())["part"] == "data"
