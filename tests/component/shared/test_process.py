"""A whole process with its command line on the real database and broker."""

import asyncio
import json
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from shared.broker import open_bus
from shared.datakeys import MongoDataKeys
from shared.errors import InvalidInput
from shared.keys import FileKeys
from shared.mongo import beside
from shared.personal import PersonKeys
from shared.testing.suites.bus import Inbox, an_event, consumer, consuming, published
from tests.component.shared.example import things

ROOT = Path(__file__).parents[3]


@pytest.fixture
def environ(database, mongo_url, broker_url, tmp_path):
    FileKeys(tmp_path / "keys").ensure(["fields", "index", "seal"])
    (tmp_path / "public").mkdir()
    return {
        "PADLOCK_PUBLIC_URL": "https://localhost:8443",
        "PADLOCK_HTTP_PORT": "0",
        "PADLOCK_MONGO_URL": mongo_url,
        "PADLOCK_MONGO_DATABASE": database.name,
        "PADLOCK_AMQP_URL": broker_url,
        "PADLOCK_KEY_DIR": str(tmp_path / "keys"),
        "PADLOCK_SEAL_KEYS_DIR": str(tmp_path / "public"),
        "PADLOCK_JWKS_URL": "http://127.0.0.1:1/jwks.json",
    }


@asynccontextmanager
async def command(environ, *arguments):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.component.shared.example", *arguments, cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(30):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def output(environ, *arguments):
    async with command(environ, *arguments) as process:
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def deployed(environ, database):
    """With the indexes that a service needs to start."""
    await things(database)
    return environ


async def ready_port(process):
    async for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "ready":
            return event["port"]
    raise AssertionError("ended before it was ready")


@pytest.mark.parametrize(("arguments", "api"), [(["serve"], 200), (["serve", "--work"], 200), (["work"], 404)])
async def test_each_kind_of_process_serves_its_probes_and_stops_cleanly(deployed, arguments, api):
    async with command(deployed, *arguments) as process, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{await ready_port(process)}"
        for path, status in (("/livez", 200), ("/readyz", 200), ("/metrics", 200), ("/api/warranty/openapi.json", api)):
            async with session.get(url + path) as response:
                assert (path, response.status) == (path, status)

        process.send_signal(signal.SIGTERM)

        assert await process.wait() == 0


async def test_not_ready_while_the_database_is_away(environ):
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        away = environ | {"PADLOCK_MONGO_URL": f"mongodb://127.0.0.1:{taken.getsockname()[1]}/"}
        async with command(away, "serve") as process, aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{await ready_port(process)}"
            async with session.get(url + "/readyz") as response:
                assert response.status == 503
                assert (await response.json())["missing"]


async def test_dead_letters_by_command(environ, broker_url):
    refused, handled = Inbox(), Inbox()

    async def refuse(event):
        await refused.put(event.id)
        raise InvalidInput("not yet")

    async def handle(event):
        await handled.put(event.id)

    async with open_bus(broker_url, name="test") as bus:
        await bus.publish([published(an_event("e-1", note="kept"))])
        async with consuming(bus, consumer(bus, refuse).receive):
            await refused.wait(1)

        status, listed, _ = await output(environ, "dead", "list")
        assert (status, listed.split("\t")[:3]) == (0, ["e-1", "warranty.purchases", "invalid-input"])
        assert '"note": "kept"' in (await output(environ, "dead", "show", "e-1"))[1]
        assert (await output(environ, "dead", "show", "e-2"))[0] == 1
        assert (await output(environ, "dead", "replay", "e-2"))[0] == 1
        assert await output(environ, "dead", "replay", "--all") == (0, "1 replayed\n", "")
        assert await output(environ, "dead", "list") == (0, "", "no dead letters\n")
        async with consuming(bus, consumer(bus, handle).receive):
            assert await handled.wait(1) == ["e-1"]


async def test_an_older_schema_stops_the_start_and_nothing_is_written(environ, database):
    status, out, err = await output(environ, "serve", "--work")

    assert status == 1
    assert "older schema, without things.by_name: run `python -m services.warranty indexes` first" in err
    assert "Traceback" not in out + err
    assert await database.list_collection_names() == []


async def test_a_missing_queue_stops_the_start_and_nothing_is_written(deployed, database, broker_url):
    nowhere = deployed | {"PADLOCK_AMQP_URL": broker_url, "EXAMPLE_QUEUE": "warranty.not-there"}

    status, out, err = await output(nowhere, "work")

    assert status == 1
    assert "the broker has no queue warranty.not-there: load the topology first" in err
    assert "Traceback" not in out + err
    assert await database.list_collection_names() == ["things"]


async def test_keys_of_another_shop_stop_the_start_and_nothing_is_written(deployed, database, tmp_path):
    keys = FileKeys(tmp_path / "keys")
    _, wrapped = PersonKeys(keys, purposes=()).new_person("p-1")
    await MongoDataKeys(beside(database, f"{database.name}_keys")).add(wrapped)
    FileKeys(tmp_path / "others").ensure(["fields", "index", "seal"])

    status, out, err = await output(deployed | {"PADLOCK_KEY_DIR": str(tmp_path / "others")}, "serve", "--work")

    assert status == 1
    assert "the keys `fields` here do not open what the database holds (version 1)" in err
    assert "Traceback" not in out + err
    assert await database.list_collection_names() == ["things"]


async def test_documents_are_migrated_by_command(deployed, database):
    await database["things"].insert_many([{"_id": number, "colour": "red"} for number in range(7)])

    assert (await output(deployed, "migrate", "--dry-run"))[1] == "colour-to-color\t7 of the older form\n"
    assert (await output(deployed, "migrate", "--batch", "3"))[1] == (
        "colour-to-color\t7 changed\t0 of the older form left\n"
    )
    assert await database["things"].count_documents({"color": "red", "colour": {"$exists": False}}) == 7
    assert (await output(deployed, "version"))[1] == "1.2.3\n"


async def test_indexes_by_command(environ, database):
    assert (await output(environ, "indexes"))[0] == 0

    assert "by_name" in await database["things"].index_information()
