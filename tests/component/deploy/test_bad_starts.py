"""What a service cannot run on stops it at the start: told in one line each, status other than 0, nothing written."""

from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika
import pytest

from deploy.local.layout import SERVICES
from deploy.local.services import PURPOSES
from shared.datakeys import MongoDataKeys
from shared.keys import FileKeys
from shared.mongo import Database, beside
from shared.personal import PersonKeys
from shared.topology import queues_of
from tests.component.conftest import declare
from tests.component.deploy.commands import Ended, ended, environ_of, written
from tests.unit.deploy.modules import service_of

PASSWORD = "Xq7canaryZ2"  # must not be told
MALFORMED = {
    "PUBLIC_URL": "shop.example",
    "HTTP_PORT": "eighty",
    "AMQP_URL": f"https://shop:{PASSWORD}@broker",
    "LOG_LEVEL": "loud",
    "NO_SUCH_SETTING": "1",
    "KEY_DIR_FILE": "/nowhere/at/all",
}


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def environ(service: str, database: Database, mongo_url: str, broker_url: str, tmp_path: Path) -> dict[str, str]:
    return environ_of(service, tmp_path / "own", database=database, mongo_url=mongo_url, broker_url=broker_url)


@pytest.fixture
async def deployed(service: str, environ: dict[str, str], database: Database) -> dict[str, str]:
    """With what a start needs in the database."""
    await service_of(service).ensure_indexes(database)
    return environ


@pytest.fixture
async def without_a_queue(service: str, broker_url: str) -> AsyncIterator[str]:
    """A queue that the service reads, and that the broker has not."""
    queue = next(name for name in queues_of(service) if ".retry." not in name and not name.endswith(".dead"))
    async with await aio_pika.connect(broker_url, timeout=5) as connection:
        channel = await connection.channel()
        await channel.queue_delete(queue)
        yield queue
        await declare(channel)


def refused(done: Ended, *, status: int = 1) -> list[str]:
    """The lines that say why."""
    assert done.status == status, done
    assert "Traceback" not in done.out + done.err
    assert PASSWORD not in done.out + done.err
    return done.err.splitlines()


@pytest.mark.parametrize("command", ["serve", "work", "indexes"])
async def test_every_malformed_setting_is_named(
    service: str, environ: dict[str, str], database: Database, command: str
) -> None:
    bad = environ | {f"PADLOCK_{name}": value for name, value in MALFORMED.items()}
    del bad["PADLOCK_KEY_DIR"], bad["PADLOCK_JWKS_URL"]

    told = refused(await ended(service, bad, command), status=2)

    assert {line.partition(":")[0].removesuffix("_FILE") for line in told} == {
        f"PADLOCK_{name.removesuffix('_FILE')}" for name in (*MALFORMED, "JWKS_URL")
    }
    assert len(told) == len(MALFORMED) + 1
    assert await written(database) == {}


async def test_an_older_schema(service: str, environ: dict[str, str], database: Database) -> None:
    [told] = refused(await ended(service, environ, "serve", "--work"))

    assert "older schema" in told
    assert f"run `python -m services.{service} indexes` first" in told
    assert await written(database) == {}


async def test_a_missing_queue(
    service: str, deployed: dict[str, str], database: Database, without_a_queue: str
) -> None:
    before = await written(database)

    [told] = refused(await ended(service, deployed, "work"))

    assert told == f"the broker has no queue {without_a_queue}: load the topology first"
    assert await written(database) == before


async def test_keys_of_another_shop(service: str, deployed: dict[str, str], database: Database, tmp_path: Path) -> None:
    FileKeys(tmp_path / "others").ensure(["fields"])
    _, wrapped = PersonKeys(FileKeys(tmp_path / "others"), purposes=()).new_person("p-1")
    await MongoDataKeys(beside(database, deployed.get("PADLOCK_MONGO_KEYS_DATABASE", f"{database.name}_keys"))).add(
        wrapped
    )
    before = await written(database)

    [told] = refused(await ended(service, deployed, "serve", "--work"))

    assert told == "the keys `fields` here do not open what the database holds (version 1)"
    assert await written(database) == before


async def test_missing_and_damaged_keys_are_all_named(
    service: str, deployed: dict[str, str], database: Database
) -> None:
    folder = Path(deployed["PADLOCK_KEY_DIR"])
    (folder / "index" / "1.key").unlink()
    for purpose in {*PURPOSES[service]} - {"index"}:
        (folder / purpose / "1.key").write_text("no key\n")
    before = await written(database)

    [told] = refused(await ended(service, deployed, "serve", "--work"))

    assert {purpose for purpose in PURPOSES[service] if f"{purpose}" in told} == {*PURPOSES[service]}
    assert await written(database) == before
