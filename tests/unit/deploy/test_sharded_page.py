"""The sharded database of docs/operating.md: its kinds, its users, and shard keys that unique indexes bear."""

import re
from collections.abc import Sequence
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.local.layout import ROOT, SERVICES
from deploy.local.mongo import roles_of
from shared.datakeys import COLLECTION as DATA_KEYS
from shared.mongo import open_database
from tests.unit.deploy.modules import service_of
from tests.unit.deploy.test_k8s import CUSTOM, of_kind

PAGE = (ROOT / "docs" / "operating.md").read_text().partition("#### A sharded database\n")[2].partition("\n## ")[0]
OBJECTS: list[dict[str, Any]] = list(yaml.safe_load_all(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]))
SHARDED: list[str] = re.findall(r'sh\.shardCollection\("([\w.]+)", \{_id: "hashed"\}\)', PAGE)
WHOLE: list[str] = re.findall(r"`(\w+\.\w+)`", PAGE.rpartition("```")[2])


@pytest.fixture
async def unique(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Unique indexes by collection, as the services would make them; nothing is asked of a server."""
    made: dict[str, list[str]] = {}
    async with open_database("mongodb://nowhere.invalid", "any") as database:

        async def note(collection: Any, indexes: Sequence[Any]) -> None:
            found = made.setdefault(f"{collection.database.name}.{collection.name}", [])
            found += [index.document["name"] for index in indexes if index.document.get("unique")]

        monkeypatch.setattr(type(database["any"]), "create_indexes", note)
        for service in SERVICES:
            await service_of(service).ensure_indexes(database.client[service])
    return made


@pytest.mark.parametrize("each", OBJECTS, ids=lambda each: each["kind"])
def test_an_object_keeps_the_schema_of_its_kind(each: dict[str, Any]) -> None:
    schema = CUSTOM["kinds"][f"{each['apiVersion']}/{each['kind']}"]

    jsonschema.validate(each["spec"], {"definitions": CUSTOM["definitions"], "type": "object", **schema})


def test_it_takes_the_place_of_the_replica_set() -> None:
    cluster, user = OBJECTS
    [replica_set] = of_kind("mongo", "MongoDBCommunity")

    assert cluster["metadata"]["name"] == replica_set["metadata"]["name"] == user["spec"]["mongodbResourceRef"]["name"]
    assert cluster["spec"]["version"].removesuffix("-ent") == replica_set["spec"]["version"]
    assert [{"role": row["name"], "db": row["db"]} for row in user["spec"]["roles"]] == roles_of("orders")
    [own] = [row for row in replica_set["spec"]["users"] if row["name"] == user["spec"]["username"]]
    assert user["spec"]["passwordSecretKeyRef"] == own["passwordSecretRef"]


async def test_what_is_sharded_is_unique_by_its_shard_key_alone(unique: dict[str, list[str]]) -> None:
    assert len(SHARDED) >= 5
    for name in SHARDED:
        database, _, collection = name.partition(".")
        if collection == DATA_KEYS:
            assert {"role": "readWrite", "db": database} in roles_of(database.removesuffix("_keys"))
        else:
            assert unique[name] == []


async def test_what_stays_whole_is_unique_by_more(unique: dict[str, list[str]]) -> None:
    assert len(WHOLE) == 4
    for name in WHOLE:
        assert unique[name], name
