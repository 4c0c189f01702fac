"""Where the bench runs: on the running stack's database and broker, with databases and virtual hosts of its own.

Two sides, `ours` and `raw`, with everything twice: databases `bench_<side>_<service>`, virtual host `bench-<side>`,
a gateway from the same template, processes on free ports. Nothing of the stack's own data is touched.
"""

import asyncio
import json
import secrets
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aio_pika
from bson import Timestamp
from motor.motor_asyncio import AsyncIOMotorClient

from bench.processes import Process, cpu_s, family, memory_mb, python
from deploy.local import gateway, rabbitmq
from deploy.local.layout import Layout, private_directory, write_private
from deploy.local.plan import open_stack
from deploy.local.programs import find_rabbitmq
from deploy.local.services import PURPOSES, SCREENING_RULES, allocator_of
from deploy.local.stack import Stack, base_environ
from shared.keys import FileKeys
from shared.sealing import write_public_key
from shared.topology import STREAMS

SERVICES = ("auth", "orders", "mailer", "warranty")
SIDES = ("raw", "ours")
STOCK = 100_000_000


class NoStack(Exception):
    """The stack is not running, or is not the kind that the bench can use. The message says what to do."""


@dataclass
class Side:
    """One of the two: its addresses and its processes."""

    name: str
    ports: dict[str, int]
    stack: Stack
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def base(self) -> Path:
        return self.stack.layout.base

    @property
    def vhost(self) -> str:
        return f"bench-{self.name}"

    @property
    def amqp_url(self) -> str:
        return self.stack.amqp_url() + self.vhost

    def database(self, service: str) -> str:
        return f"bench_{self.name}_{service}"


class World:
    """Both sides, the database as its administrator, and the keys."""

    def __init__(self, stack: Stack, client: Any, exits: AsyncExitStack) -> None:
        self.stack = stack
        self.base = private_directory(stack.layout.base / "bench")
        self.client = client
        self.secret = secrets.token_hex(32)
        self.tls = ssl.create_default_context(cafile=str(stack.layout.tls / "ca.pem"))
        self._exits = exits
        self.sides = {name: self._side(name) for name in SIDES}

    def _side(self, name: str) -> Side:
        ports = dict(zip((*SERVICES, "gateway", "http"), free_ports(len(SERVICES) + 2), strict=True))
        layout = self._layout(name)
        return Side(name, ports, replace(self.stack, layout=layout, ports={**self.stack.ports, **ports}))

    def _layout(self, name: str) -> Layout:
        """A place for files, with the stack's certificate."""
        layout = Layout(private_directory(self.base / name))
        private_directory(layout.logs)
        if not layout.tls.exists():
            layout.tls.symlink_to(self.stack.layout.tls)
        return layout

    def collection(self, side: str, service: str, name: str) -> Any:
        return self.client[self.sides[side].database(service)][name]

    def keys_collection(self, side: str, service: str) -> Any:
        """Where a side keeps its data keys: ours in a database of their own."""
        apart = "_keys" if side == "ours" else ""
        return self.client[self.sides[side].database(service) + apart]["data_keys"]

    def environment(self, side: str, service: str) -> dict[str, str]:
        """Settings of one process, and nothing of the caller's shell."""
        here = self.sides[side]
        plain = base_environ(self.base) | allocator_of(service) | {"PYTHONUNBUFFERED": "1"}
        if side == "raw":
            return plain | {
                "RAW_MONGO": self.stack.mongo_url(),
                "RAW_DATABASE": here.database(service),
                "RAW_AMQP": here.amqp_url,
                "RAW_SECRET": self.secret,
                "RAW_PORT": str(here.ports[service]),
            }
        settings = {
            "PUBLIC_URL": here.stack.public_url,
            "HTTP_PORT": str(here.ports[service]),
            "MONGO_URL": self.stack.mongo_url(),
            "MONGO_DATABASE": here.database(service),
            "AMQP_URL": here.amqp_url,
            "KEY_DIR": str(self.base / "keys" / service),
            "SEAL_KEYS_DIR": str(self.base / "keys" / "public"),
            "JWKS_URL": f"http://127.0.0.1:{here.ports['auth']}/.well-known/jwks.json",
        }
        if service == "orders":
            settings["SCREENING_RULES"] = str(SCREENING_RULES)  # all that buy here come from one network
        return plain | {f"PADLOCK_{name}": value for name, value in settings.items()}

    async def start(self, side: str, service: str) -> Process:
        """A service of ours, or its raw prototype, until the bench ends; one that runs already is left alone."""
        here = self.sides[side]
        if service in here.processes:
            return here.processes[service]
        if side == "ours":
            await self.run_ours(service, "indexes")
            if service == "orders":
                await self.run_ours(service, "seed")
        command = ("-m", f"bench.raw_{service}") if side == "raw" else ("-m", f"services.{service}", "serve", "--work")
        if service == "orders":
            command = ("-m", "bench.noted", str(self.acknowledged(side)), *command[1:])
        process = await self.spawn(side, service, *command)
        if side == "raw":
            await process.wait_for_line("ready")
        else:
            await _answers(process, here.ports[service])
        here.processes[service] = process
        return process

    async def spawn(self, side: str, service: str, *arguments: str, name: str = "", **extra: str) -> Process:
        """Some Python of one side, ended with the bench at the latest."""
        process = await Process.start(
            f"{side}-{name or service}",
            *python(*arguments),
            env=self.environment(side, service) | extra,
            log_dir=self.base / "log",
        )
        self._exits.push_async_callback(process.stop)
        return process

    async def run_ours(self, service: str, *words: str, **extra: str) -> None:
        """One command of a service of ours, to its end."""
        process = await self.spawn("ours", service, "-m", f"services.{service}", *words, name=f"{service}-{words[0]}",
                                   **extra)  # fmt: skip
        await process.wait_for_end()

    async def start_gateway(self, side: str) -> None:
        """nginx from the stack's own template, in front of this side's processes."""
        here = self.sides[side]
        if "gateway" not in here.processes:
            here.processes["gateway"] = await self._start_nginx(f"{side}-gateway", here.stack)

    async def start_front(self, name: str, **upstreams: int) -> int:
        """One more gateway, in front of the services that listen on these ports; its own port."""
        ports = dict(zip(("gateway", "http"), free_ports(2), strict=True))
        layout = self._layout(f"front-{name}")
        front = replace(self.stack, layout=layout, ports={**self.stack.ports, **upstreams, **ports})
        await self._start_nginx(f"front-{name}", front)
        return ports["gateway"]

    async def start_constant(self, name: str) -> int:
        """A service that always gives the same answers; its port."""
        [port] = free_ports(1)
        process = await self.spawn("raw", "auth", "-m", "bench.raw_constant", name=name, RAW_PORT=str(port))
        await process.wait_for_line("ready")
        return port

    async def _start_nginx(self, name: str, stack: Stack) -> Process:
        folder = private_directory(stack.layout.nginx)
        private_directory(folder / "tmp")
        write_private(folder / "nginx.conf", gateway.render(stack))
        process = await Process.start(
            name,
            stack.programs.nginx,
            *gateway.arguments(folder),
            env=base_environ(folder),
            log_dir=self.base / "log",
        )
        self._exits.push_async_callback(process.stop)
        await _listens(process, stack.ports["gateway"])
        return process

    async def prepare(self) -> None:
        """Empty databases, empty virtual hosts, keys."""
        await self.drop()
        await self._make_virtual_hosts()
        for service, purposes in PURPOSES.items():
            keys = FileKeys(self.base / "keys" / service)
            keys.ensure(purposes)
            write_public_key(keys, self.base / "keys" / "public", service)

    def stack_memory(self) -> dict[str, float]:
        """Resident memory of the stack's own services in MB, as far as they run."""
        services = json.loads(self.stack.layout.stack_file.read_text()).get("services", {})
        held = {
            name: max((memory_mb(each) for pid in row["pids"] for each in family(pid)), default=0.0)
            for name, row in services.items()
        }
        return {name: mb for name, mb in held.items() if mb}

    def cpu_of_database_s(self) -> float:
        """Processor time of the stack's mongod so far, whoever caused it; 0 of one that the stack did not start."""
        row = json.loads(self.stack.layout.stack_file.read_text()).get("parts", {}).get("mongod", {})
        return sum(cpu_s(pid) for pid in row.get("pids", ()))

    def acknowledged(self, side: str) -> Path:
        """Where orders notes when the write of each event was acknowledged, see `bench.noted`."""
        return self.base / "log" / f"{side}-orders-acknowledged.log"

    async def paid_moments(self, side: str, since: float) -> dict[str, float]:
        """When the database wrote each order that was paid since (Unix time), by order id: from its oplog."""
        name = f"{self.sides[side].database('orders')}.orders"
        wanted = {"ts": {"$gt": Timestamp(int(since) - 1, 0)}, "ns": {"$in": [name, "admin.$cmd"]}}
        fields = {"wall": 1, "op": 1, "ns": 1, "o": 1, "o2": 1}
        entries = self.client["local"]["oplog.rs"].find(wanted, fields, batch_size=5000)
        rows = [(row, entry["wall"]) async for entry in entries for row in [entry, *entry["o"].get("applyOps", ())]]
        paid = {row["o2"]["_id"]: wall.timestamp() for row, wall in rows if _becomes_paid(row, name)}
        return {order_id: at for order_id, at in paid.items() if at >= since}

    async def drop(self) -> None:
        for side in self.sides.values():
            for service in SERVICES:
                for name in (side.database(service), f"{side.database(service)}_keys"):
                    await self.client.drop_database(name)

    async def share_catalogue(self) -> None:
        """Both sides sell the same watches, of which there are plenty."""
        mine, theirs = (self.sides[name].database("orders") for name in ("ours", "raw"))
        await self.client[mine]["stock"].update_many({}, {"$set": {"count": STOCK}})
        for name in ("products", "stock"):
            for document in await self.client[mine][name].find().to_list(None):
                await self.client[theirs][name].replace_one({"_id": document["_id"]}, document, upsert=True)

    async def _make_virtual_hosts(self) -> None:
        for side in self.sides.values():
            await asyncio.to_thread(self._control, "delete_vhost", side.vhost, check=False)
            await asyncio.to_thread(self._control, "add_vhost", side.vhost)
            await asyncio.to_thread(self._control, "set_permissions", "-p", side.vhost, "admin", ".*", ".*", ".*")
            await rabbitmq.declare_topology(side.amqp_url)

    async def empty_queues(self, side: str) -> None:
        """Drop what an earlier section has left for consumers that were not there."""
        async with await aio_pika.connect(self.sides[side].amqp_url) as connection:
            channel = await connection.channel()
            for stream in STREAMS:
                await (await channel.get_queue(stream.queue, ensure=False)).purge()

    async def remove_virtual_hosts(self) -> None:
        for side in self.sides.values():
            await asyncio.to_thread(self._control, "delete_vhost", side.vhost, check=False)

    def _control(self, *words: str, check: bool = True) -> None:
        program = Path(find_rabbitmq()).with_name("rabbitmqctl")
        environ = rabbitmq.environ_of(rabbitmq.node_of(self.stack))
        command = [str(program), "-q", *words]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise NoStack(f"rabbitmqctl {words[0]} failed: {done.stderr.strip()[-300:]}")


@asynccontextmanager
async def open_world() -> AsyncIterator[World]:
    """The bench's world on the running stack; everything that was started is ended, and its data dropped.

    Raises:
        NoStack: start it with `make up`.
    """
    layout = Layout.of_checkout()
    if not layout.stack_file.exists():
        raise NoStack("no stack is running: `make up` starts it")
    stack = open_stack(layout, {})
    client: Any = AsyncIOMotorClient(stack.mongo_url(), tz_aware=True, serverSelectionTimeoutMS=3000)
    async with AsyncExitStack() as exits:
        world = World(stack, client, exits)
        exits.callback(client.close)
        exits.push_async_callback(world.drop)
        exits.push_async_callback(world.remove_virtual_hosts)
        await world.prepare()
        yield world


def _becomes_paid(row: Any, name: str) -> bool:
    if row.get("op") != "u" or row.get("ns") != name:
        return False
    return bool(row["o"].get("diff", {}).get("u", {}).get("status") == "paid")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


async def _listens(process: Process, port: int, *, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                process.check_alive()
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


async def _answers(process: Process, port: int) -> None:
    """Until /readyz says 200."""
    await _listens(process, port)
    async with asyncio.timeout(20):
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            status = (await reader.read(12))[9:12]
            writer.close()
            if status == b"200":
                return
            process.check_alive()
            await asyncio.sleep(0.1)
