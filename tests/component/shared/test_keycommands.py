"""`keys rotate`, `rewrap`, `retire` as processes, on the real database, beside a process that goes on sealing."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from shared.datakeys import COLLECTION, MongoDataKeys
from shared.keys import FileKeys
from shared.mongo import Database, beside
from shared.personal import PersonalFields, PersonErased, PersonKeys, Place, Tampered
from shared.rewrapping import rewrap_all

ROOT = Path(__file__).parents[3]
NAME = Place("orders", "name", "o-1")


@pytest.fixture
def keys_database(database: Database) -> Database:
    return beside(database, f"{database.name}_keys")


@pytest.fixture
def store(keys_database: Database) -> MongoDataKeys:
    return MongoDataKeys(keys_database)


@pytest.fixture
def keys(tmp_path: Path) -> FileKeys:
    provider = FileKeys(tmp_path / "keys")
    provider.ensure(["fields", "index", "seal"])
    return provider


@pytest.fixture
def environ(database: Database, mongo_url: str, tmp_path: Path, keys: FileKeys) -> dict[str, str]:
    (tmp_path / "public").mkdir()
    return {
        "PATH": os.environ["PATH"],
        "PADLOCK_PUBLIC_URL": "https://localhost:8443",
        "PADLOCK_HTTP_PORT": "0",
        "PADLOCK_MONGO_URL": mongo_url,
        "PADLOCK_MONGO_DATABASE": database.name,
        "PADLOCK_AMQP_URL": "amqp://127.0.0.1:1/",
        "PADLOCK_KEY_DIR": str(tmp_path / "keys"),
        "PADLOCK_SEAL_KEYS_DIR": str(tmp_path / "public"),
        "PADLOCK_JWKS_URL": "http://127.0.0.1:1/jwks.json",
    }


async def ran(environ: Mapping[str, str], *words: str) -> tuple[int, str]:
    """The status of `keys WORDS`, and all that it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.component.shared.example", "keys", *words, cwd=ROOT, env=environ,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(30):
        out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


def people(keys: FileKeys, store: MongoDataKeys) -> PersonalFields:
    return PersonalFields(keys, store, purposes=["delivery"])


def settle(tmp_path: Path, version: int) -> None:
    """Make a key file as old as the successor of a retired one must be."""
    long_ago = time.time() - 601
    os.utime(tmp_path / "keys" / "fields" / f"{version}.key", (long_ago, long_ago))


async def test_an_old_version_goes_once_every_data_key_is_rewrapped(
    environ: dict[str, str], keys: FileKeys, store: MongoDataKeys, keys_database: Database, tmp_path: Path
) -> None:
    boxes = {f"p-{n}": (await people(keys, store).person(f"p-{n}")).seal(f"Ann {n}", NAME) for n in range(25)}
    await people(keys, store).erase("p-3")
    dump = await keys_database[COLLECTION].find().to_list(None)
    keys.rotate("fields")
    early = await ran(environ, "retire", "fields", "--below", "2")
    settle(tmp_path, 2)

    needed = await ran(environ, "retire", "fields", "--below", "2")
    rewrapped = await ran(environ, "rewrap", "--batch", "7")
    again = await ran(environ, "rewrap")
    retired = await ran(environ, "retire", "fields", "--below", "2")

    assert early[0] == 1
    assert "its predecessors may go after 600 s" in early[1]
    assert needed == (1, "`keys rewrap` comes first: 24 under version 1\n")
    assert rewrapped == (0, "24 data keys rewrapped; now 24 under version 2\n")
    assert again == (0, "0 data keys rewrapped; now 24 under version 2\n")
    assert retired == (0, "fields: versions deleted: 1\n")
    assert os.listdir(tmp_path / "keys" / "fields") == ["2.key"]
    await all_open(FileKeys(tmp_path / "keys"), store, boxes)
    await nothing_opens_from(dump, FileKeys(tmp_path / "keys"), keys_database)


async def all_open(keys: FileKeys, store: MongoDataKeys, boxes: dict[str, bytes]) -> None:
    fresh = people(keys, store)
    for person_id in boxes.keys() - {"p-3"}:
        opened = (await fresh.known(person_id)).open(boxes[person_id], NAME, purpose="delivery")
        assert opened.decode() == f"Ann {person_id.removeprefix('p-')}"
    with pytest.raises(PersonErased):
        await fresh.known("p-3")


async def nothing_opens_from(dump: list[dict[str, object]], keys: FileKeys, keys_database: Database) -> None:
    """A dump of the keys database from before, restored over everything, tombstones deleted."""
    await keys_database[COLLECTION].drop()
    await keys_database[COLLECTION].insert_many(dump)
    restored = people(keys, MongoDataKeys(keys_database))
    for document in dump:
        with pytest.raises(PersonErased if "erased_at" in document else Tampered):
            await restored.known(str(document["_id"]))


async def test_rewrapping_goes_on_while_persons_come_and_go(
    keys: FileKeys, store: MongoDataKeys, tmp_path: Path
) -> None:
    running = people(FileKeys(tmp_path / "keys"), store)
    boxes = {f"p-{n:03}": (await running.person(f"p-{n:03}")).seal("Ann", NAME) for n in range(60)}
    keys.rotate("fields")
    erased = {f"p-{n:03}" for n in range(0, 60, 3)}

    async def come_and_go() -> None:
        for n in range(60):
            person_id = f"p-{n:03}"
            await (running.erase(person_id) if person_id in erased else running.person(f"late-{n:03}"))

    sweeps = [rewrap_all(store, PersonKeys(FileKeys(tmp_path / "keys"), purposes=()), batch=4) for _ in range(2)]
    await asyncio.gather(come_and_go(), *sweeps)
    last = await rewrap_all(store, PersonKeys(FileKeys(tmp_path / "keys"), purposes=()))

    assert last.unreadable == []
    assert await store.versions() == {2: 40 + 40}
    fresh = people(FileKeys(tmp_path / "keys"), store)
    for person_id, box in boxes.items():
        if person_id in erased:
            with pytest.raises(PersonErased):
                await fresh.known(person_id)
        else:
            assert (await fresh.known(person_id)).open(box, NAME, purpose="delivery") == b"Ann"


async def test_an_interrupted_run_is_taken_up_again(keys: FileKeys, store: MongoDataKeys) -> None:
    class Dies(MongoDataKeys):
        calls = 0

        async def exchange(self, pairs):  # type: ignore[no-untyped-def]
            self.calls += 1
            if self.calls == 3:
                raise ConnectionError
            return await super().exchange(pairs)

    for n in range(20):
        await people(keys, store).person(f"p-{n:02}")
    keys.rotate("fields")
    dying = Dies(store._collection.database)
    with pytest.raises(ConnectionError):
        await rewrap_all(dying, PersonKeys(keys, purposes=()), batch=5)
    halfway = await store.versions()

    rest = await rewrap_all(store, PersonKeys(keys, purposes=()), batch=5)

    assert halfway == {1: 10, 2: 10}
    assert (rest.done, await store.versions()) == (10, {2: 20})


async def test_a_damaged_key_holds_up_nobody_and_is_named(
    environ: dict[str, str], keys: FileKeys, store: MongoDataKeys, keys_database: Database, tmp_path: Path
) -> None:
    for person_id in ("ann", "ben", "eve"):
        await people(keys, store).person(person_id)
    await keys_database[COLLECTION].update_one({"_id": "ben"}, {"$set": {"box": b"\x02\x00\x00\x00\x01damaged"}})
    keys.rotate("fields")
    settle(tmp_path, 2)

    status, said = await ran(environ, "rewrap")

    assert (status, "cannot be opened: data key of person ben" in said) == (1, True)
    assert await store.versions() == {1: 1, 2: 2}
    assert (await ran(environ, "retire", "fields", "--below", "2", "--anyway"))[0] == 1
