"""RabbitMQ of the stack: a node of its own with its own port mapper, cookie and data; topology from a file."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
from aio_pika.exceptions import AMQPException

from deploy.local.layout import private_directory, write_private
from deploy.local.parts import NotReady, Part
from deploy.local.ports import HOST
from deploy.local.probes import listens
from deploy.local.programs import Programs
from deploy.local.stack import Stack, base_environ
from shared import topology

NAME, MAPPER = "rabbitmq", "epmd"
NODE = "padlock@localhost"


@dataclass(frozen=True, slots=True)
class Node:
    """What one RabbitMQ node is made of. `definitions` is the content of RabbitMQ's definitions file, or nothing."""

    folder: Path
    programs: Programs
    ports: Mapping[str, int]
    cookie: str
    admin_url: str
    definitions: Mapping[str, object]
    ready_queue: str = ""


def node_of(stack: Stack) -> Node:
    """The stack's own node."""
    return Node(
        folder=stack.layout.rabbitmq,
        programs=stack.programs,
        ports=stack.ports,
        cookie=stack.passwords.erlang_cookie,
        admin_url=stack.amqp_url(),
        definitions=topology.definitions(stack.passwords.amqp),
        ready_queue=topology.UNROUTED,
    )


def mapper_part(node: Node) -> Part:
    """Erlang's port mapper, private to this node, so that no other node is seen or disturbed."""

    async def settle() -> None:
        await listens(HOST, node.ports["epmd"])

    return Part(
        name=MAPPER,
        command=(node.programs.epmd, "-port", str(node.ports["epmd"]), "-address", HOST),
        environ=base_environ(node.folder),
        folder=private_directory(node.folder),
        settle=settle,
    )


def rabbitmq_part(node: Node) -> Part:
    """The broker."""

    async def prepare() -> None:
        write_files(node)

    async def settle() -> None:
        await check_broker(node.admin_url, queue=node.ready_queue)

    return Part(
        name=NAME,
        command=(node.programs.rabbitmq_server,),
        environ=environ_of(node),
        folder=private_directory(node.folder),
        after=(MAPPER,),
        prepare=prepare,
        settle=settle,
        stop_s=30,
    )


def write_files(node: Node) -> None:
    """Cookie, configuration, definitions; a pid file that a kill left behind is removed."""
    folder = node.folder
    private_directory(folder / "conf.d")
    write_private(folder / ".erlang.cookie", node.cookie, mode=0o400)
    write_private(folder / "rabbitmq.conf", configuration(node))
    write_private(folder / "enabled_plugins", "[].\n")
    if node.definitions:
        write_private(folder / "definitions.json", json.dumps(node.definitions, indent=1) + "\n")
    (folder / "rabbitmq.pid").unlink(missing_ok=True)


def configuration(node: Node) -> str:
    """rabbitmq.conf: loopback only, log to standard output, a small write-ahead log to keep memory down."""
    lines = [
        f"listeners.tcp.local = {HOST}:{node.ports['amqp']}",
        "log.console = true",
        "log.console.level = info",
        "log.console.use_colors = off",
        "log.file = false",
        "raft.wal_max_size_bytes = 64000000",
        "disk_free_limit.absolute = 200MB",
    ]
    if node.definitions:
        lines += [
            "definitions.import_backend = local_filesystem",
            f"definitions.local.path = {node.folder / 'definitions.json'}",
            "definitions.skip_if_unchanged = true",
        ]
    return "\n".join(lines) + "\n"


def environ_of(node: Node) -> dict[str, str]:
    """The environment of the broker: nothing of it from the system, everything on this machine alone."""
    folder = node.folder
    return (
        base_environ(folder)
        | node_files(folder)
        | {
            # Started in the foreground without a shell in between: the recorded pid is the broker's own.
            "RUNNING_UNDER_SYSTEMD": "true",
            "ERL_EPMD_PORT": str(node.ports["epmd"]),
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_CRASH_DUMP_SECONDS": "0",  # a crash dump would hold messages
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_DIST_PORT": str(node.ports["erlang"]),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false",
        }
    )


def node_files(folder: Path) -> dict[str, str]:
    """Every file that RabbitMQ would look for under /etc is named, so that none of the system's is read."""
    return {
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_CONFIG_FILES": str(folder / "conf.d"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
        "RABBITMQ_PID_FILE": str(folder / "rabbitmq.pid"),
    }


async def check_broker(url: str, *, queue: str = "") -> None:
    """Raise `NotReady` unless the broker takes a connection and, where one is named, has the queue."""
    place = urlsplit(url)
    await listens(place.hostname or HOST, place.port or 5672)
    try:
        connection = await aio_pika.connect(url, timeout=5)
        async with connection:
            channel = await connection.channel()
            if queue:
                await channel.get_queue(queue)
    except (AMQPException, OSError, TimeoutError) as error:
        raise NotReady(f"does not answer yet ({type(error).__name__})") from None


async def declare_topology(url: str) -> None:
    """Declare everything over AMQP, for a broker that is not the stack's own. Repeating it changes nothing."""
    connection = await aio_pika.connect(url, timeout=10)
    async with connection:
        channel = await connection.channel()
        for row in topology.exchanges():
            await channel.declare_exchange(row["name"], row["type"], durable=True, arguments=row["arguments"])
        for row in topology.queues():
            await channel.declare_queue(row["name"], durable=True, arguments=row["arguments"])
        for row in topology.bindings():
            queue = await channel.get_queue(row["destination"])
            await queue.bind(row["source"], row["routing_key"])


def declare_outside(url: str) -> None:
    """`declare_topology`, for a caller without a loop."""
    asyncio.run(declare_topology(url))
