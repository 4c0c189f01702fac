"""Real MongoDB and RabbitMQ for one service at a time: a database of its own for each test, and an emptied broker.

`make test` starts both (`python -m deploy.local testbed`) and names them in the environment.
"""

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import aio_pika
import pytest
from pymongo import MongoClient

from shared import topology
from shared.mongo import Database, open_database
from tests.component.kept import Ensure, Kept

MONGO = "PADLOCK_TEST_MONGO"
AMQP = "PADLOCK_TEST_AMQP"


def _address(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        pytest.fail(f"{name} is not set: run `make test`, or `eval $(.venv/bin/python -m deploy.local testbed)` first")


@pytest.fixture
def mongo_url() -> str:
    return _address(MONGO)


@pytest.fixture
async def database(mongo_url: str) -> AsyncIterator[Database]:
    """An empty database; it is dropped afterwards, and so is that of its data keys."""
    async with open_database(mongo_url, f"test-{secrets.token_hex(6)}") as opened:
        yield opened
        for name in (opened.name, f"{opened.name}_keys"):
            await opened.client.drop_database(name)


@pytest.fixture(scope="session")
def kept() -> Iterator[Kept]:
    """The databases that this worker keeps for services' tests; they go with the worker."""
    with MongoClient(_address(MONGO), timeoutMS=20_000) as client:
        databases = Kept(client)
        yield databases
        for name in databases.names.values():
            databases.drop(name)


@asynccontextmanager
async def indexed(kept: Kept, ensure: Ensure, mongo_url: str) -> AsyncIterator[Database]:
    """An empty database with all indexes of a service."""
    with kept.lent(ensure) as name:
        async with open_database(mongo_url, name) as opened:
            if not kept.is_ready(name):
                await ensure(opened)
                kept.ready(name)
            yield opened


@pytest.fixture
async def broker_url() -> str:
    """A virtual host with the whole topology and no message in it; parallel workers have one each."""
    host = os.environ.get("PYTEST_XDIST_WORKER", "")
    url = _address(AMQP).rstrip("/") + "/" + host
    connection = await aio_pika.connect(url, timeout=5)
    async with connection:
        channel = await connection.channel()
        await declare(channel)
        for row in topology.queues():
            await (await channel.get_queue(row["name"], ensure=False)).purge()
    return url


async def declare(channel: aio_pika.abc.AbstractChannel) -> None:
    """Declare the topology, as deployment does it through a definitions file; what is there stays."""
    for row in topology.exchanges():
        await channel.declare_exchange(row["name"], row["type"], durable=True, arguments=row["arguments"])
    for row in topology.queues():
        await channel.declare_queue(row["name"], durable=True, arguments=row["arguments"])
    for row in topology.bindings():
        queue = await channel.get_queue(row["destination"], ensure=False)
        await queue.bind(row["source"], row["routing_key"])
