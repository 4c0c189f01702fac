"""The stack's own database and broker, started as `make up` does it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.exceptions import ProbableAuthenticationError
from aiormq.exceptions import ChannelAccessRefused
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from deploy.local.layout import Layout, private_directory
from deploy.local.mongo import mongod_part
from deploy.local.passwords import ensure_passwords
from deploy.local.ports import choose_ports
from deploy.local.programs import find_programs
from deploy.local.rabbitmq import declare_topology, mapper_part, node_of, rabbitmq_part
from deploy.local.stack import Stack
from shared import topology
from tests.unit.deploy.supervision import Watched, supervised


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    layout = Layout(private_directory(tmp_path / "stack"))
    return Stack(
        layout=layout,
        ports=choose_ports(layout.base / "ports.json", preferred={}),
        passwords=ensure_passwords(layout.base / "passwords.json"),
        programs=find_programs(nginx=False),
    )


class TestDatabase:
    @pytest.fixture
    async def watched(self, stack: Stack) -> AsyncIterator[Watched]:
        async with supervised([mongod_part(stack)], stack.layout.logs) as watched:
            await watched.ready("mongod")
            yield watched

    async def test_each_service_reaches_its_own_database_alone(self, stack: Stack, watched: Watched) -> None:
        async with AsyncMongoClient[dict[str, Any]](stack.mongo_url("mailer")) as client:
            await client["mailer"]["subscribers"].insert_one({"_id": 1})
            await client["mailer_keys"]["data_keys"].insert_one({"_id": 1})
            await client["mailer_rehearsal"]["subscribers"].insert_one({"_id": 1})
            await client["mailer"]["subscribers"].create_index("state")
            for foreign in ("orders", "orders_keys", "auth", "auth_keys", "admin", "local"):
                with pytest.raises(OperationFailure, match="not authorized"):
                    await client[foreign]["x"].find_one()

    async def test_a_database_of_an_earlier_release_gets_today_s_rights(self, stack: Stack, watched: Watched) -> None:
        async with AsyncMongoClient[dict[str, Any]](stack.mongo_url()) as admin:
            await admin["admin"].command("updateUser", "orders", roles=[{"role": "readWrite", "db": "orders"}])
        process = watched.rows["mongod"].process
        assert process

        os.kill(process.pid, signal.SIGKILL)
        await watched.ready("mongod", restarts=1)

        async with AsyncMongoClient[dict[str, Any]](stack.mongo_url("orders")) as client:
            assert await client["orders_keys"]["data_keys"].find_one() is None

    async def test_nobody_gets_in_without_a_password(self, stack: Stack, watched: Watched) -> None:
        async with AsyncMongoClient[dict[str, Any]]("127.0.0.1", stack.ports["mongo"], directConnection=True) as client:
            with pytest.raises(OperationFailure, match="requires authentication"):
                await client["orders"]["orders"].find_one()
            with pytest.raises(OperationFailure):
                await client.admin.command("createUser", "intruder", pwd="x", roles=["root"])

    async def test_a_killed_database_comes_back_with_its_data(self, stack: Stack, watched: Watched) -> None:
        async with AsyncMongoClient[dict[str, Any]](stack.mongo_url("orders")) as client:
            await client["orders"]["orders"].insert_one({"_id": "o-1"})
        process = watched.rows["mongod"].process
        assert process

        os.kill(process.pid, signal.SIGKILL)
        await watched.ready("mongod", restarts=1)

        async with AsyncMongoClient[dict[str, Any]](stack.mongo_url("orders")) as client:
            assert await client["orders"]["orders"].find_one() == {"_id": "o-1"}

    async def test_its_log_holds_no_values(self, stack: Stack, watched: Watched) -> None:
        async with AsyncMongoClient[dict[str, Any]](stack.mongo_url("orders")) as client:
            orders = client["orders"]["orders"]
            await orders.insert_many([{"name": f"pl4nted {number}"} for number in range(2000)])
            await orders.find({"name": {"$regex": "pl4nted 1.*9"}}).sort("name").to_list()

        assert "pl4nted" not in stack.layout.log_file("mongod").read_text()


async def test_the_database_moves_to_another_port(stack: Stack) -> None:
    async with supervised([mongod_part(stack)], stack.layout.logs) as watched:
        await watched.ready("mongod")
    moved = Stack(
        layout=stack.layout,
        ports=choose_ports(stack.layout.base / "other.json", preferred={}),
        passwords=stack.passwords,
        programs=stack.programs,
    )

    async with supervised([mongod_part(moved)], stack.layout.logs) as watched:
        await watched.ready("mongod")
        async with AsyncMongoClient[dict[str, Any]](moved.mongo_url("auth")) as client:
            await client["auth"]["accounts"].insert_one({"_id": 1})


class TestBroker:
    @pytest.fixture
    async def watched(self, stack: Stack) -> AsyncIterator[Watched]:
        node = node_of(stack)
        async with supervised([mapper_part(node), rabbitmq_part(node)], stack.layout.logs) as watched:
            await watched.ready("rabbitmq")
            yield watched

    async def test_services_may_do_their_own_and_events_outlive_a_kill(self, stack: Stack, watched: Watched) -> None:
        await self._orders_announces_and_nothing_else(stack)
        await self._warranty_may_not_read_for_mailer(stack)
        await self._guest_is_unknown(stack)
        process = watched.rows["rabbitmq"].process
        assert process

        os.kill(process.pid, signal.SIGKILL)
        await watched.ready("rabbitmq", restarts=1)

        async with await aio_pika.connect(stack.amqp_url("warranty")) as connection:
            channel = await connection.channel()
            queue = await channel.get_queue("warranty.purchases", ensure=False)
            async with asyncio.timeout(10):
                message = await queue.get(timeout=10)
            assert message
            assert message.body == b"one"
        await declare_topology(stack.amqp_url())  # by hand it says the same as the definitions file

    async def _orders_announces_and_nothing_else(self, stack: Stack) -> None:
        message = aio_pika.Message(b"one", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        async with await aio_pika.connect(stack.amqp_url("orders")) as connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange(topology.EXCHANGE, ensure=False)
            await exchange.publish(message, "orders.purchase.completed.v1", mandatory=True)
            with pytest.raises(ChannelAccessRefused):
                await exchange.publish(message, "auth.account.verified.v1")
            channel = await connection.channel()
            with pytest.raises(ChannelAccessRefused):
                await channel.declare_queue("orders.mine")

    async def _warranty_may_not_read_for_mailer(self, stack: Stack) -> None:
        async with await aio_pika.connect(stack.amqp_url("warranty")) as connection:
            channel = await connection.channel()
            queue = await channel.get_queue("mailer.purchases", ensure=False)
            with pytest.raises(ChannelAccessRefused):
                await queue.get(fail=False)

    async def _guest_is_unknown(self, stack: Stack) -> None:
        with pytest.raises((ProbableAuthenticationError, ConnectionError)):
            await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{stack.ports['amqp']}/")
