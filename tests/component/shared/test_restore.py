"""What a restored backup shows of persons who were erased since: on the real database, through a service's runtime."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from shared.datakeys import COLLECTION
from shared.keys import FileKeys
from shared.mongo import Database, beside
from shared.personal import PersonalFields, PersonErased, PersonKeys, Place, Tampered
from shared.rewrapping import rewrap_all
from shared.runtime import Runtime, open_runtime
from shared.settings import BaseSettings

Dump = dict[str, list[dict[str, Any]]]


class Settings(BaseSettings):
    service: ClassVar[str] = "orders"
    purposes: ClassVar[tuple[str, ...]] = ("delivery",)


@pytest.fixture
async def runtime(database: Database, mongo_url: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    FileKeys(tmp_path / "keys").ensure(["fields", "index", "seal"])
    (tmp_path / "public").mkdir()
    settings = Settings(
        public_url="https://localhost:8443",
        http_port=0,
        mongo_url=SecretStr(mongo_url),
        mongo_database=database.name,
        amqp_url=SecretStr("amqp://127.0.0.1:1/"),
        key_dir=tmp_path / "keys",
        seal_keys_dir=tmp_path / "public",
        jwks_url="http://127.0.0.1:9/unused",
    )
    async with open_runtime(settings) as runtime:
        yield runtime


async def dump(database: Database) -> Dump:
    """Every document of every collection, as a backup holds them."""
    return {name: await database[name].find().to_list(None) for name in await database.list_collection_names()}


async def restore(database: Database, backup: Dump) -> None:
    """As `mongorestore --drop` does: what the backup has replaces what is there."""
    for name, documents in backup.items():
        await database[name].drop()
        await database[name].insert_many(documents)


async def merge(database: Database, backup: Dump) -> None:
    """As `mongorestore` does by itself: documents that are there stay."""
    for name, documents in backup.items():
        for document in documents:
            await database[name].update_one({"_id": document["_id"]}, {"$setOnInsert": document}, upsert=True)


def place(person_id: str) -> Place:
    return Place("orders", "contact", person_id)


async def write(runtime: Runtime, *person_ids: str) -> None:
    for person_id in person_ids:
        box = (await runtime.people.person(person_id)).seal(f"{person_id}@example.org", place(person_id))
        await runtime.database["orders"].insert_one({"_id": person_id, "contact": box})


async def readable(runtime: Runtime) -> list[str]:
    """What a process that starts now can read of all that is stored."""
    people = PersonalFields(runtime.keys, runtime.data_keys, purposes=["delivery"])
    found = []
    async for document in runtime.database["orders"].find().sort("_id", 1):
        try:
            person = await people.known(document["_id"])
        except (PersonErased, Tampered):
            continue
        found.append(person.open(document["contact"], place(document["_id"]), purpose="delivery").decode())
    return found


async def test_a_restored_service_database_shows_nobody_who_was_erased(runtime: Runtime) -> None:
    await write(runtime, "ann", "ben")
    before = await readable(runtime)
    backup = await dump(runtime.database)
    await runtime.people.erase("ann")
    await runtime.database["orders"].delete_many({})

    await restore(runtime.database, backup)

    assert before == ["ann@example.org", "ben@example.org"]
    assert await readable(runtime) == ["ben@example.org"]
    with pytest.raises(PersonErased):
        await runtime.people.person("ann")


async def test_a_backup_of_the_service_database_holds_no_data_key(runtime: Runtime) -> None:
    await write(runtime, "ann")

    backup = await dump(runtime.database)

    [wrapped] = (await dump(keys_of(runtime)))[COLLECTION]
    assert COLLECTION not in backup
    assert not any(wrapped["box"] == value for rows in backup.values() for row in rows for value in row.values())


async def test_an_older_dump_of_the_keys_merged_in_brings_nobody_back(runtime: Runtime) -> None:
    await write(runtime, "ann", "ben")
    older_keys, backup = await dump(keys_of(runtime)), await dump(runtime.database)
    await runtime.people.erase("ann")

    await restore(runtime.database, backup)
    await merge(keys_of(runtime), older_keys)

    assert await readable(runtime) == ["ben@example.org"]


async def test_an_older_dump_of_the_keys_that_replaces_the_tombstones_brings_them_back_until_their_version_is_gone(
    runtime: Runtime, tmp_path: Path
) -> None:
    """The limit, stated: whoever deletes tombstones undoes erasures, while the wrapping key of then exists."""
    await write(runtime, "ann", "ben")
    older_keys, backup = await dump(keys_of(runtime)), await dump(runtime.database)
    await runtime.people.erase("ann")
    await restore(runtime.database, backup)
    await restore(keys_of(runtime), older_keys)
    undone = await readable(runtime)
    await runtime.people.erase("ann")

    keys = FileKeys(tmp_path / "keys")
    keys.rotate("fields")
    await rewrap_all(runtime.data_keys, PersonKeys(keys, purposes=()))
    newer_keys = await dump(keys_of(runtime))
    assert await runtime.data_keys.versions() == {2: 1}
    keys.retire("fields", below=2)
    process = FileKeys(tmp_path / "keys")  # a process that starts now has not read version 1
    await restore(keys_of(runtime), older_keys)
    after = await readable_with(runtime, process)
    await restore(keys_of(runtime), newer_keys)

    assert undone == ["ann@example.org", "ben@example.org"]
    assert after == []
    assert await readable_with(runtime, process) == ["ben@example.org"]


async def readable_with(runtime: Runtime, keys: FileKeys) -> list[str]:
    return await readable(replace(runtime, keys=keys))


def keys_of(runtime: Runtime) -> Database:
    return beside(runtime.database, runtime.settings.mongo_keys_database)
