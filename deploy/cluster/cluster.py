"""The cluster as one: a replica set of three, three nodes, and one address for the broker, as a Service would be."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from deploy.cluster.machines import AMQP, MONGO, PATIENCE_S, REPLICA_SET, Machine
from deploy.cluster.network import network
from deploy.local.ports import HOST
from deploy.local.programs import find_programs
from deploy.local.rabbitmq import declare_topology

CONNECT_S = 1.0


@dataclass
class Cluster:
    """Three machines. `amqp_url` leads to a node that answers."""

    machines: list[Machine]
    amqp_url: str = ""

    @property
    def mongo_url(self) -> str:
        """All members."""
        hosts = ",".join(f"{each.host.address}:{MONGO}" for each in self.machines)
        return f"mongodb://{hosts}/?replicaSet={REPLICA_SET}"

    async def primary(self) -> Machine:
        """The machine of the member that takes writes."""
        async with _client(self.mongo_url) as client:
            await client.admin.command("ping")
            address = (await client.primary or ("", 0))[0]
        return next(each for each in self.machines if each.host.address == address)

    async def leader(self, queue: str) -> Machine:
        """The machine whose node leads a quorum queue."""
        for machine in self.machines:
            with suppress(RuntimeError, TimeoutError):
                listed = await machine.rabbitmq("rabbitmqctl", "-q", "list_queues", "name", "leader")
                rows = dict(line.split()[:2] for line in listed.splitlines() if len(line.split()) >= 2)
                return next(each for each in self.machines if each.node == rows[queue])
        raise RuntimeError("no node answers")

    async def replace(self, lost: Machine) -> None:
        """An empty machine in the place of one that is gone for good, as the runbook says."""
        survivor = next(each for each in self.machines if each is not lost)
        await survivor.rabbitmq("rabbitmqctl", "-q", "forget_cluster_node", lost.node)
        lost.start_mongod()
        lost.start_rabbitmq()
        await until(lambda: _is_member(survivor), what="a new node")
        await survivor.rabbitmq("rabbitmq-queues", "-q", "grow", lost.node, "all")

    async def is_whole(self) -> bool:
        """Whether all three members hold everything and all three nodes run."""
        try:
            async with _client(self.mongo_url) as client:
                states = [each["stateStr"] for each in (await client.admin.command("replSetGetStatus"))["members"]]
        except PyMongoError:
            return False
        if sorted(states) != ["PRIMARY", "SECONDARY", "SECONDARY"] or not await _is_member(self.machines[0]):
            return False
        return all(await asyncio.gather(*(_may_be_lost(each) for each in self.machines)))


@asynccontextmanager
async def running() -> AsyncIterator[Cluster]:
    """The cluster, whole and with the topology declared; nothing of it is left afterwards."""
    with network() as hosts, tempfile.TemporaryDirectory(prefix="padlock-cluster-") as folder:
        programs = find_programs(nginx=False)
        machines = [Machine(host, Path(folder, host.namespace), programs, hosts) for host in hosts]
        cluster = Cluster(machines)
        try:
            for machine in machines:
                machine.folder.mkdir()
                machine.start_mongod()
                machine.start_rabbitmq()
            await until(lambda: _initiated(cluster), what="replica set")
            await until(cluster.is_whole, what="cluster")
            async with _one_address(machines) as port:
                cluster.amqp_url = f"amqp://guest:guest@{HOST}:{port}/"
                await declare_topology(cluster.amqp_url)
                yield cluster
        finally:
            for machine in machines:
                machine.lose()


async def until(look: Callable[[], Awaitable[bool]], *, what: str, patience_s: float = PATIENCE_S) -> float:
    """Look until it is so; how many seconds that took. Raises TimeoutError, which says what was waited for."""
    begun = asyncio.get_running_loop().time()
    while not await look():
        if asyncio.get_running_loop().time() - begun > patience_s:
            raise TimeoutError(what)
        await asyncio.sleep(0.2)
    return asyncio.get_running_loop().time() - begun


async def _initiated(cluster: Cluster) -> bool:
    members = [{"_id": number, "host": f"{each.host.address}:{MONGO}"} for number, each in enumerate(cluster.machines)]
    try:
        async with AsyncMongoClient[dict[str, Any]](
            cluster.machines[0].host.address, MONGO, directConnection=True, serverSelectionTimeoutMS=2000
        ) as client:
            await client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
    except PyMongoError as error:
        return getattr(error, "code", None) == 23  # already initialised
    return True


async def _is_member(machine: Machine) -> bool:
    if "rabbitmq" not in machine.running:
        return False
    try:
        listed = await machine.rabbitmq("rabbitmqctl", "-q", "cluster_status", "--formatter", "json")
    except (RuntimeError, TimeoutError):
        return False
    return len(json.loads(listed)["running_nodes"]) == 3


async def _may_be_lost(machine: Machine) -> bool:
    """Whether each queue has a majority without this node: those that came back have caught up."""
    try:
        await machine.rabbitmq("rabbitmq-queues", "-q", "check_if_node_is_quorum_critical")
    except (RuntimeError, TimeoutError):
        return False
    return True


@asynccontextmanager
async def _one_address(machines: list[Machine]) -> AsyncIterator[int]:
    """A port that leads each new connection to the first node that answers, starting with another one each time."""
    turn = 0

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal turn
        turn += 1
        for step in range(len(machines)):
            address = machines[(turn + step) % len(machines)].host.address
            with suppress(OSError, TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(CONNECT_S):
                    back = await asyncio.open_connection(address, AMQP)
                await asyncio.gather(_pump(reader, back[1]), _pump(back[0], writer))
                return
        writer.close()

    server = await asyncio.start_server(carry, HOST, 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, OSError):
        pass
    finally:
        writer.close()


def _client(url: str) -> "AsyncMongoClient[dict[str, Any]]":
    return AsyncMongoClient(url, serverSelectionTimeoutMS=3000, timeoutMS=5000)
