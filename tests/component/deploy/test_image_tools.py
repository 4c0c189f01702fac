"""The steps of a deployment, against the machine's own MongoDB and RabbitMQ, set up as the manifests say."""

import asyncio
import contextlib
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aio_pika
import pytest
import yaml
from aiormq.exceptions import ChannelAccessRefused
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from deploy.images.tools import init_mongo, load_topology, make_secrets
from deploy.local.certificates import ensure_certificates
from deploy.local.layout import ROOT, private_directory
from deploy.local.parts import NotReady
from deploy.local.ports import HOST, choose_ports
from deploy.local.probes import listens
from deploy.local.programs import find_programs
from deploy.local.rabbitmq import Node, mapper_part, rabbitmq_part
from shared import topology
from tests.unit.deploy.supervision import supervised

COMPOSE = yaml.safe_load((ROOT / "deploy/compose/compose.yaml").read_text())


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = private_directory(tmp_path / "secrets")
    make_secrets.make_all(folder, make_secrets.Addresses("", "", ""))
    return folder


@contextlib.asynccontextmanager
async def mongod(*words: str, port: int) -> AsyncIterator[None]:
    program = find_programs(rabbitmq=False, nginx=False).mongod
    process = await asyncio.create_subprocess_exec(program, *words, stdout=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    await listens(HOST, port)
                    break
                except NotReady:
                    assert process.returncode is None, "mongod has ended"
                    await asyncio.sleep(0.05)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def flags_of_compose(folder: Path, secrets: Path, port: int) -> list[str]:
    """mongod's arguments in the Compose file, with this machine's places."""
    places = {
        "--dbpath=/data/db": f"--dbpath={private_directory(folder / 'data')}",
        "--bind_ip_all": f"--bind_ip={HOST}",
        "--keyFile=/run/secrets/mongo-keyfile": f"--keyFile={secrets / 'database' / 'keyfile'}",
    }
    words = COMPOSE["services"]["mongo"]["command"]
    assert places.keys() <= set(words)
    return [places.get(word, word) for word in words] + [f"--port={port}", "--oplogSize=512"]


async def test_a_fresh_database_becomes_a_replica_set_with_a_user_for_each_service(
    tmp_path: Path, secrets: Path
) -> None:
    [port] = choose_ports(tmp_path / "ports.json", names=("mongo",), preferred={}).values()
    words = ["--member", f"{HOST}:{port}", "--passwords", str(secrets / "mongo"), "--port", str(port)]

    async with mongod(*flags_of_compose(tmp_path, secrets, port), port=port):
        first = await asyncio.to_thread(init_mongo.main, words)
        again = await asyncio.to_thread(init_mongo.main, words)

        password = (secrets / "mongo" / "orders").read_text()
        url = f"mongodb://orders:{password}@{HOST}:{port}/?replicaSet=padlock&authSource=admin"
        async with AsyncMongoClient[dict[str, Any]](url) as client:
            await client["orders"]["orders"].insert_one({"_id": 1})
            await client["orders_keys"]["data_keys"].insert_one({"_id": 1})
            with pytest.raises(OperationFailure, match="not authorized"):
                await client["auth"]["accounts"].find_one()
    assert (first, again) == (0, 0)


def test_a_database_that_does_not_answer_ends_the_step_with_a_line(
    tmp_path: Path, secrets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [port] = choose_ports(tmp_path / "ports.json", names=("mongo",), preferred={}).values()
    words = ["--member", "mongo:27017", "--passwords", str(secrets / "mongo"), "--port", str(port), "--patience", "0"]

    assert init_mongo.main(words) == 1

    assert capsys.readouterr().err.startswith("the database is not ready: ")


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """`a.b: 1` as mongod's configuration file has it."""
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        at = tree
        *path, last = name.split(".")
        for step in path:
            at = at.setdefault(step, {})
        at[last] = value
    return tree


async def handshake(port: int, ca: Path, *options: str) -> bool:
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", f"{HOST}:{port}", "-brief", "-CAfile", str(ca), "-verify_return_error",
        *options, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode == 0 and b"Verification: OK" in said


async def test_the_database_of_the_cluster_refuses_suites_below_256_bits(tmp_path: Path) -> None:
    objects = yaml.safe_load_all((ROOT / "deploy/k8s/mongo/mongo.yaml").read_text())
    [cluster] = [each for each in objects if each["kind"] == "MongoDBCommunity"]
    tls = tmp_path / "tls"
    ensure_certificates(tls, now=datetime.now(UTC))
    both = tls / "both.pem"
    both.write_bytes((tls / "server.key").read_bytes() + (tls / "server.pem").read_bytes())
    [port] = choose_ports(tmp_path / "ports.json", names=("mongo",), preferred={}).values()
    config = nested(cluster["spec"]["additionalMongodConfig"])
    config["net"] |= {"port": port, "bindIp": HOST, "unixDomainSocket": {"enabled": False}}
    config["net"]["tls"] = {"mode": "requireTLS", "certificateKeyFile": str(both), "CAFile": str(tls / "ca.pem"),
                            "allowConnectionsWithoutCertificates": True}  # fmt: skip
    config["storage"]["dbPath"] = str(private_directory(tmp_path / "data"))
    file = tmp_path / "mongod.yaml"
    file.write_text(yaml.safe_dump(config))

    async with mongod("--config", str(file), port=port):
        offered = {
            suite: await handshake(port, tls / "ca.pem", "-tls1_3", "-ciphersuites", suite)
            for suite in ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")
        } | {
            suite: await handshake(port, tls / "ca.pem", "-tls1_2", "-cipher", suite)
            for suite in ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256")
        }

    assert offered == {
        "TLS_AES_256_GCM_SHA384": True, "TLS_CHACHA20_POLY1305_SHA256": True, "TLS_AES_128_GCM_SHA256": False,
        "ECDHE-ECDSA-AES256-GCM-SHA384": True, "ECDHE-ECDSA-AES128-GCM-SHA256": False,
    }  # fmt: skip


@pytest.fixture
async def broker(tmp_path: Path, secrets: Path) -> AsyncIterator[dict[str, int]]:
    """A node with the management API and the Compose file's own configuration."""
    ports = choose_ports(tmp_path / "ports.json", names=("amqp", "epmd", "erlang", "api"), preferred={})
    folder = private_directory(tmp_path / "rabbitmq")
    admin = (secrets / "amqp" / "admin").read_text()
    node = Node(
        folder=folder,
        programs=find_programs(mongod=False, nginx=False),
        ports=ports,
        cookie="C" * 20,
        admin_url=f"amqp://admin:{admin}@{HOST}:{ports['amqp']}/",
        definitions={},
    )
    part = rabbitmq_part(node)

    async def prepare() -> None:
        await part.prepare()
        (folder / "enabled_plugins").write_text("[rabbitmq_management].\n")
        shutil.copy(ROOT / "deploy/compose/rabbitmq.conf", folder / "conf.d" / "10-padlock.conf")
        shutil.copy(secrets / "broker" / "20-admin.conf", folder / "conf.d" / "20-admin.conf")
        api = f"management.tcp.ip = {HOST}\nmanagement.tcp.port = {ports['api']}\n"
        (folder / "conf.d" / "30-test.conf").write_text(api)

    async with supervised(
        [mapper_part(node), replace(part, prepare=prepare)], private_directory(tmp_path / "log")
    ) as watched:
        await watched.ready("rabbitmq")
        yield ports


async def test_a_fresh_broker_gets_users_and_topology_and_services_may_no_more_than_theirs(
    broker: dict[str, int], secrets: Path
) -> None:
    api = ["--api", f"http://{HOST}:{broker['api']}"]
    words = [*api, "--admin", str(secrets / "amqp" / "admin"), "--users", str(secrets / "amqp")]

    first = await asyncio.to_thread(load_topology.main, words)
    again = await asyncio.to_thread(load_topology.main, words)
    wrong = await asyncio.to_thread(load_topology.main, [*api, "--admin", str(secrets / "amqp" / "orders")])

    assert (first, again, wrong) == (0, 0, 1)
    password = (secrets / "amqp" / "orders").read_text()
    connection = await aio_pika.connect(f"amqp://orders:{password}@{HOST}:{broker['amqp']}/", timeout=5)
    async with connection:
        channel = await connection.channel(on_return_raises=True)
        exchange = await channel.get_exchange(topology.EXCHANGE, ensure=False)
        await exchange.publish(aio_pika.Message(b"{}"), "orders.purchase.completed.v1")
        queue = await channel.get_queue("orders.persons")
        assert queue.name == "orders.persons"
        with pytest.raises(ChannelAccessRefused):
            await channel.declare_queue("anything", durable=True)


def test_a_broker_that_does_not_answer_ends_the_step_with_a_line(
    tmp_path: Path, secrets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [port] = choose_ports(tmp_path / "ports.json", names=("api",), preferred={}).values()
    words = ["--api", f"http://{HOST}:{port}", "--admin", str(secrets / "amqp" / "admin"), "--patience", "0"]

    assert load_topology.main(words) == 1

    assert capsys.readouterr().err.startswith("the broker does not answer: ")


def test_keys_in_the_shape_of_a_mounted_secret_are_read(tmp_path: Path, secrets: Path) -> None:
    """kubelet lays a Secret out as links to a hidden folder that it swaps whole."""
    from shared.keys import FileKeys

    hidden = tmp_path / "fields" / "..2026_11_22"
    hidden.mkdir(parents=True)
    shutil.copy(secrets / "keys" / "orders" / "fields" / "1.key", hidden / "1.key")
    (tmp_path / "fields" / "..data").symlink_to(hidden.name)
    (tmp_path / "fields" / "1.key").symlink_to("..data/1.key")

    keys = FileKeys(tmp_path, strict=False)

    assert keys.versions("fields") == [1]
    made = FileKeys(secrets / "keys" / "orders").get("fields", 1)
    assert keys.current("fields").secret.reveal() == made.secret.reveal()


def test_all_tools_say_how_they_are_called() -> None:
    for name in ("probe", "make_secrets", "init_mongo", "load_topology"):
        done = subprocess.run(
            [sys.executable, "-m", f"deploy.images.tools.{name}", "--help"], capture_output=True, check=False, cwd=ROOT
        )
        assert done.returncode == 0
